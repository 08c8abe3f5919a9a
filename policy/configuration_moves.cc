#include "policy/configuration_moves.h"

#include <algorithm>
#include <array>
#include <utility>

#include "policy/configuration_values.h"
#include "policy/path_template.h"
#include "policy/pattern.h"

namespace perchild {
namespace {

constexpr std::size_t most_paths_to_try = 32;
constexpr std::size_t longest_template = 2048;
constexpr std::uint16_t gone = 410;
constexpr std::array<std::uint64_t, 6> redirect_statuses = {301, 302, 303, 307, 308, gone};
constexpr std::array<std::uint64_t, 3> try_statuses = {403, 404, gone};

constexpr std::string_view redirect_keys[] = {"pattern", "to", "status", "query"};
constexpr std::string_view rewrite_keys[] = {"pattern", "to", "query"};
constexpr std::string_view query_names[] = {"keep", "drop"};

template <std::size_t n>
std::optional<std::uint16_t> read_status(Report& report, JsonValue value,
                                         const std::array<std::uint64_t, n>& statuses) {
  const auto number = value.is(JsonKind::number) ? parse_number(value.text()) : std::nullopt;
  if (number && std::find(statuses.begin(), statuses.end(), *number) != statuses.end()) {
    return static_cast<std::uint16_t>(*number);
  }
  std::vector<std::string> texts;
  for (const std::uint64_t status : statuses) texts.push_back(std::to_string(status));
  const std::vector<std::string_view> words(texts.begin(), texts.end());
  report.error(value, value.label() + " must be " + listed(words, "or"));
  return std::nullopt;
}

std::optional<PathTemplate> read_template(Report& report, JsonValue value, std::string& text) {
  auto read = read_text(report, value);
  if (!read) return std::nullopt;
  PatternProblem problem;
  auto parsed = PathTemplate::parse(*read, problem);
  if (!parsed || read->size() > longest_template) {
    report.error(value,
                 parsed ? value.label() + " is too long"
                        : in_quotes(*read) + " is no target: " + problem.sentence +
                              ", at character " + std::to_string(problem.offset + 1),
                 R"(a target is an address with $1 or {path} in it; other characters must be )"
                 R"(percent-encoded)");
    return std::nullopt;
  }
  text = std::move(*read);
  return parsed;
}

bool is_path_of_site(std::string_view text) {
  return text.starts_with("{path}") || (text.starts_with('/') && !text.starts_with("//"));
}

bool is_address(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

// A path that rewrites and "try" lead to stays within the site, and has no dots to go up by.
bool check_path(Report& report, JsonValue value, std::string_view text) {
  const bool has_dots = text.find("/../") != std::string_view::npos ||
                        text.find("/./") != std::string_view::npos || text.ends_with("/..") ||
                        text.ends_with("/.");
  const bool has_fragment = text.find('#') != std::string_view::npos;
  const bool is_encoded = text.substr(0, text.find('?')).find('%') != std::string_view::npos;
  if (is_path_of_site(text) && !has_dots && !has_fragment && !is_encoded) return true;
  report.error(value, in_quotes(text) + " is not a path within this site",
               R"(it begins with '/' or "{path}", and has no "..", '#' or '%' in it)");
  return false;
}

void check_captures(Report& report, JsonValue value, const PathTemplate& target,
                    std::uint32_t captures) {
  if (target.captures() <= captures) return;
  report.error(
      value,
      "there is no $" + std::to_string(target.captures()) + " here: " +
          (captures == 0 ? "nothing is captured" : "$" + std::to_string(captures) + " is the last"),
      R"(groups of a "pattern" are captured; a prefix has $1, what follows it)");
}

enum class MoveKind : std::uint8_t { redirect, rewrite };

void read_target(Report& report, JsonValue object, MoveKind kind, std::uint32_t captures,
                 Move& move) {
  const auto to = object.find("to");
  if (move.status == gone) {
    if (to) report.error(*to, "what is gone is nowhere else: 410 has no \"to\"");
    return;
  }
  if (!to) {
    report.error(object, object.label() + R"( needs "to")", R"(for example "to": "/elsewhere")");
    return;
  }
  const auto target = read_template(report, *to, move.to);
  if (!target) return;
  check_captures(report, *to, *target, captures);
  if (kind == MoveKind::rewrite) {
    check_path(report, *to, move.to);
  } else if (!is_path_of_site(move.to) && !is_address(move.to)) {
    report.error(*to, in_quotes(move.to) + " is no address to redirect to",
                 R"(it begins with '/', "http://" or "https://")");
  }
}

Move read_move(Report& report, JsonValue object, MoveKind kind, std::uint32_t captures) {
  Move move;
  const bool is_redirect = kind == MoveKind::redirect;
  if (!report.expect_keys(object, is_redirect ? "a redirect" : "a rewrite",
                          is_redirect ? std::span<const std::string_view>(redirect_keys)
                                      : std::span<const std::string_view>(rewrite_keys))) {
    return move;
  }
  if (const auto pattern = object.find("pattern")) {
    move.pattern = read_pattern(report, *pattern);
    captures = move.pattern ? groups_of(*move.pattern) : static_cast<std::uint32_t>(most_captures);
  }
  if (const auto status = object.find("status")) {
    move.status = read_status(report, *status, redirect_statuses).value_or(move.status);
  }
  if (const auto query = object.find("query")) {
    if (const auto choice = read_choice(report, *query, query_names)) {
      move.keep_query = *choice == 0;
    }
  }
  read_target(report, object, kind, captures, move);
  return move;
}

std::vector<Move> read_moves(Report& report, JsonValue value, MoveKind kind,
                             std::uint32_t captures) {
  if (value.is(JsonKind::object)) return {read_move(report, value, kind, captures)};
  std::vector<Move> moves;
  if (!report.expect(value, JsonKind::array)) return moves;
  for (JsonValue element : value) {
    if (moves.size() == most_moves_of_a_place) {
      report.error(element, "there are more than " + std::to_string(most_moves_of_a_place) + " " +
                                std::string(value.key()) + " rules here");
      break;
    }
    moves.push_back(read_move(report, element, kind, captures));
  }
  return moves;
}

}  // namespace

std::vector<Move> read_redirects(Report& report, JsonValue value, std::uint32_t captures) {
  return read_moves(report, value, MoveKind::redirect, captures);
}

std::vector<Move> read_rewrites(Report& report, JsonValue value, std::uint32_t captures) {
  return read_moves(report, value, MoveKind::rewrite, captures);
}

Try read_try(Report& report, JsonValue value) {
  Try settings;
  if (!report.expect(value, JsonKind::array)) return settings;
  bool ended = false;
  for (JsonValue element : value) {
    if (ended) {
      report.error(element, "nothing can follow a status");
      break;
    }
    if (element.is(JsonKind::number)) {
      settings.status = read_status(report, element, try_statuses).value_or(settings.status);
      ended = true;
      continue;
    }
    std::string text;
    const auto path = read_template(report, element, text);
    if (!path || !check_path(report, element, text)) continue;
    check_captures(report, element, *path, 0);
    if (settings.paths.size() == most_paths_to_try) {
      report.error(element, "\"try\" must not name more than " + std::to_string(most_paths_to_try) +
                                " paths");
      break;
    }
    settings.paths.push_back(std::move(text));
  }
  if (!ended && !settings.paths.empty()) {
    settings.fallback = std::move(settings.paths.back());
    settings.paths.pop_back();
  }
  return settings;
}

std::optional<std::string> read_pattern(Report& report, JsonValue value) {
  auto text = read_text(report, value);
  if (!text) return std::nullopt;
  PatternProblem problem;
  if (Pattern::compile(*text, problem)) return text;
  report.error(value,
               in_quotes(*text) + " is no pattern: " + problem.sentence + ", at character " +
                   std::to_string(problem.offset + 1),
               "patterns are those of PCRE2, as Perl has them");
  return std::nullopt;
}

std::uint32_t groups_of(const std::string& pattern) {
  PatternProblem problem;
  const auto compiled = Pattern::compile(pattern, problem);
  return compiled ? compiled->groups() : 0;
}

}  // namespace perchild
