#include "policy/configuration_program_values.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "policy/configuration_values.h"

namespace perchild {
namespace {

constexpr std::size_t most_extensions = 32;
constexpr std::size_t most_words = 64;
constexpr std::size_t most_variables = 128;
constexpr std::size_t most_ini_values = 128;
constexpr std::uint64_t most_port = 65'535;
constexpr std::uint64_t most_buffered = 1024ULL * 1024 * 1024;
constexpr DurationRange of_a_program{Milliseconds(100), std::chrono::hours(24)};

constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool consists_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_word(c) || others.find(c) != std::string_view::npos;
  });
}

// As php.ini has it, where "no" and "off" are nothing and '&' and ';' mean something.
std::string ini_text(std::string_view text) {
  const bool is_plain = consists_of(text, ".") || text.starts_with("E_");
  return is_plain ? std::string(text) : "\"" + std::string(text) + "\"";
}

std::optional<std::string> read_ini_value(Report& report, JsonValue value) {
  if (value.is(JsonKind::boolean)) return value.text() == "true" ? "1" : "0";
  if (value.is(JsonKind::number)) return std::string(value.text());
  if (value.is(JsonKind::string) && value.text().empty()) return "\"\"";
  const auto text = read_text(report, value);
  if (!text) return std::nullopt;
  if (text->find_first_of("\"\\$") != std::string::npos) {
    report.error(value, value.label() + R"( must not hold '"', '\' or '$')",
                 "php.ini has meanings of its own for these");
    return std::nullopt;
  }
  return ini_text(*text);
}

void read_environment(Report& report, JsonValue value, std::vector<std::string>& environment) {
  if (!report.expect(value, JsonKind::object)) return;
  for (JsonValue variable : value) {
    const std::string_view name = variable.key();
    if (!consists_of(name, {}) || is_digit(name.front())) {
      report.error_at_key(variable, in_quotes(name) + " is not the name of a variable");
      continue;
    }
    if (environment.size() == most_variables) {
      report.error_at_key(variable, "\"environment\" must not have more than " +
                                        std::to_string(most_variables) + " variables");
      return;
    }
    const bool is_empty = variable.is(JsonKind::string) && variable.text().empty();
    const auto text = is_empty ? std::optional(std::string()) : read_text(report, variable);
    if (text) environment.push_back(std::string(name) + "=" + *text);
  }
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  if (!host.starts_with("127.")) return false;
  // Four numbers, as inet_pton(3) has them.
  int parts = 0;
  while (!host.empty()) {
    const std::size_t dot = host.find('.');
    const std::string_view part = host.substr(0, dot);
    const auto number = parse_number(part);
    if (!number || *number > 255 || (part.size() > 1 && part.front() == '0')) return false;
    ++parts;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
    if (host.empty()) return false;
  }
  return parts == 4;
}

std::string hint_for_missing(std::string_view path) {
  if (path.ends_with("/php-cgi")) return "apt install php-cgi";
  return path.ends_with("/msmtp") ? "apt install msmtp" : "";
}

}  // namespace

IniValues usual_php_ini() {
  return {{"cgi.fix_pathinfo", "1"},  // what comes behind a script that is there is PATH_INFO
          {"display_errors", "0"},
          {"expose_php", "0"},
          {"html_errors", "0"},
          {"log_errors", "1"},  // to stderr, and so to the site's error log
          // Debian's php.ini leaves old ones to a job that does not come to this folder.
          {"session.gc_probability", "1"},
          {"session.save_path", "/tmp"},
          {"sys_temp_dir", "/tmp"},
          {"upload_tmp_dir", "/tmp"}};
}

std::chrono::seconds session_lifetime(const IniValues& ini) {
  constexpr std::uint32_t longest = 24 * 60 * 60;
  std::uint32_t seconds = 1440;  // PHP's own
  if (const auto given = ini.find("session.gc_maxlifetime"); given != ini.end()) {
    const std::string& text = given->second;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
  }
  return std::chrono::seconds(std::min(seconds, longest));
}

void read_php_ini(Report& report, JsonValue value, IniValues& ini) {
  if (!report.expect(value, JsonKind::object)) return;
  for (JsonValue element : value) {
    const std::string_view name = element.key();
    if (!consists_of(name, ".-")) {
      report.error_at_key(element, in_quotes(name) + " is not the name of a setting of php.ini");
      continue;
    }
    const auto text = read_ini_value(report, element);
    if (!text) continue;
    if (ini.size() == most_ini_values) {
      report.error_at_key(
          element, "\"ini\" must not have more than " + std::to_string(most_ini_values) + " values",
          "put them into a php.ini");
      return;
    }
    ini[std::string(name)] = *text;
  }
}

void take_extensions(Report& report, JsonValue object, std::vector<std::string>& extensions) {
  const auto value = object.find("extensions");
  if (!value || !report.expect(*value, JsonKind::array)) return;
  extensions.clear();
  if (value->empty()) report.error(*value, "\"extensions\" must name at least one");
  for (JsonValue element : *value) {
    auto text = read_text(report, element);
    if (!text) continue;
    const bool is_good = std::all_of(text->begin(), text->end(), [](char c) {
      return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-' || c == '+';
    });
    if (!is_good) {
      report.error(element, in_quotes(*text) + " is not an extension",
                   R"(an extension is in lower case and without its dot: "php")");
    } else if (extensions.size() == most_extensions) {
      report.error(element,
                   "\"extensions\" must not name more than " + std::to_string(most_extensions));
      return;
    } else {
      extensions.push_back(std::move(*text));
    }
  }
}

void take_program_values(Report& report, JsonValue object, ProgramSettings& program) {
  take_number(report, object, "max_processes", {1, 1024}, program.most_processes);
  take_number(report, object, "max_requests", {0, 1'000'000'000}, program.most_requests);
  take_duration(report, object, "idle_timeout", of_a_program, program.idle);
  take_duration(report, object, "time_limit", of_a_program, program.request);
  take_number(report, object, "queue", {0, 65'536}, program.longest_queue);
  take_duration(report, object, "queue_timeout", of_a_program, program.queue);
  take_size(report, object, "request_buffer", {0, most_buffered}, program.most_kept);
  take_absolute_path(report, object, "directory", program.directory);
  if (const auto environment = object.find("environment")) {
    read_environment(report, *environment, program.environment);
  }
}

bool expect_program(Report& report, SystemView& system, JsonValue place, const std::string& path) {
  switch (system.look_for_program(path)) {
    case ProgramAnswer::executable:
    case ProgramAnswer::unchecked:
      return true;
    case ProgramAnswer::missing:
      report.error(place, "there is no program " + in_quotes(path), hint_for_missing(path));
      return false;
    case ProgramAnswer::not_a_file:
      report.error(place, in_quotes(path) + " is not a program, nor a file at all");
      return false;
    case ProgramAnswer::not_executable:
      report.error(place, in_quotes(path) + " cannot be executed by anybody", "chmod +x");
      return false;
  }
  return false;
}

bool read_command(Report& report, SystemView& system, JsonValue value,
                  std::vector<std::string>& command) {
  if (!report.expect(value, JsonKind::array)) return false;
  if (value.empty()) {
    report.error(value, "\"command\" must name a program",
                 R"(for example ["/usr/bin/node", "/home/alice/app.js"])");
    return false;
  }
  for (JsonValue element : value) {
    const auto word =
        command.empty() ? read_absolute_path(report, element) : read_text(report, element);
    if (!word) return false;
    if (command.empty() && !expect_program(report, system, element, *word)) return false;
    if (command.size() == most_words) {
      report.error(element,
                   "\"command\" must not have more than " + std::to_string(most_words) + " words");
      return false;
    }
    command.push_back(*word);
  }
  return true;
}

bool read_backend(Report& report, JsonValue value, std::string& address) {
  const auto text = read_text(report, value);
  if (!text) return false;
  std::string_view rest = *text;
  if (rest.starts_with("unix:/")) {
    address = rest.substr(rest.find('/'));
    return true;
  }
  constexpr std::string_view scheme = "http://";
  if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  const std::string_view host = rest.substr(0, colon);
  const auto port = colon == std::string_view::npos || rest.substr(colon + 1).size() > 5
                        ? std::nullopt
                        : parse_number(rest.substr(colon + 1));
  if (!text->starts_with(scheme) || !port || *port == 0 || *port > most_port) {
    report.error(value, in_quotes(*text) + " is not where a request can be sent on to",
                 std::string(backend_forms));
    return false;
  }
  if (!is_loopback(host)) {
    report.error(value, in_quotes(host) + " is not an address of this machine's own",
                 "what other machines serve is theirs: loopback addresses only");
    return false;
  }
  address = (host == "localhost" ? "127.0.0.1" : std::string(host)) + ":" + std::to_string(*port);
  return true;
}

}  // namespace perchild
