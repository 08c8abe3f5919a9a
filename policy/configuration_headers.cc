#include "policy/configuration_headers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "policy/configuration_values.h"
#include "policy/spelling.h"

namespace perchild {
namespace {

constexpr std::size_t most_settings = 100;  // of one kind in one place
constexpr std::size_t longest_value = 2048;
constexpr std::size_t most_header_bytes = 3072;  // of one place
constexpr std::size_t longest_type = 64;         // a charset is put behind it
constexpr std::size_t longest_extension = 31;

// Those that say where a message ends, or what becomes of the connection (RFC 9112), and those that
// the server itself must be right about.
constexpr std::string_view refused_headers[] = {
    "accept-ranges", "connection",        "content-encoding", "content-length",   "content-range",
    "date",          "keep-alive",        "location",         "proxy-connection", "te",
    "trailer",       "transfer-encoding", "upgrade",          "www-authenticate"};
static_assert(std::is_sorted(std::begin(refused_headers), std::end(refused_headers)));

constexpr std::string_view header_keys[] = {"value", "on"};
constexpr std::string_view cors_keys[] = {"origins", "methods",     "headers",
                                          "expose",  "credentials", "max_age"};
// RFC 9111, 5.2.2; RFC 5861; RFC 8246.
constexpr std::string_view cache_directives[] = {"max-age",
                                                 "s-maxage",
                                                 "no-cache",
                                                 "no-store",
                                                 "no-transform",
                                                 "must-revalidate",
                                                 "private",
                                                 "public",
                                                 "immutable",
                                                 "stale-if-error",
                                                 "must-understand",
                                                 "proxy-revalidate",
                                                 "stale-while-revalidate"};
constexpr DurationRange caching_times{Milliseconds(0), std::chrono::hours(24 * 366 * 2)};

bool is_token(std::string_view text) {
  const auto is_token_char = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::string lower(std::string_view text) {
  std::string folded(text);
  std::transform(folded.begin(), folded.end(), folded.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return folded;
}

bool has_room(Report& report, JsonValue at, std::size_t size) {
  if (size < most_settings) return true;
  report.error(at, "there are more than " + std::to_string(most_settings) + " of these");
  return false;
}

std::optional<std::string> read_bounded(Report& report, JsonValue value, std::size_t most) {
  auto text = read_text(report, value);
  if (!text || text->size() <= most) return text;
  report.error(value, value.label() + " is longer than " + std::to_string(most) + " bytes");
  return std::nullopt;
}

// "404", "4xx"; a number is fine too. 400 or 4.
std::optional<std::uint16_t> parse_status(std::string_view text, unsigned least) {
  const bool is_class = text.size() == 3 && text.substr(1) == "xx";
  const auto number = parse_number(is_class ? text.substr(0, 1) : text);
  if (!number || *number > 599) return std::nullopt;
  const std::uint64_t digit = is_class ? *number : *number / 100;
  const bool is_status = is_class || *number >= 100;
  if (!is_status || digit < least || digit > 5) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

void read_statuses(Report& report, JsonValue value, std::vector<std::uint16_t>& statuses) {
  if (value.is(JsonKind::string) && value.text() == "always") {
    statuses.clear();
    return;
  }
  if (!report.expect(value, JsonKind::array)) return;
  statuses.clear();
  for (JsonValue element : value) {
    const auto status = element.is(JsonKind::number) || element.is(JsonKind::string)
                            ? parse_status(element.text(), 2)
                            : std::nullopt;
    if (status) {
      statuses.push_back(*status);
    } else {
      report.error(element, "a status is a number such as 404, or a class such as \"4xx\"");
    }
  }
  if (value.empty()) report.error(value, "\"on\" must name at least one status");
}

bool check_header_name(Report& report, JsonValue member) {
  const std::string name = lower(member.key());
  if (!is_token(name)) {
    report.error_at_key(member, in_quotes(member.key()) + " is not the name of a header");
    return false;
  }
  if (std::binary_search(std::begin(refused_headers), std::end(refused_headers), name)) {
    report.error_at_key(member,
                        in_quotes(member.key()) + " is the server's own to say, or to leave out",
                        name == "location" ? R"(see "redirect")" : "");
    return false;
  }
  return true;
}

void read_header_value(Report& report, JsonValue value, HeaderSetting& header) {
  if (value.is(JsonKind::null)) return;
  header.value = read_bounded(report, value, longest_value);
  const std::string name = lower(header.name);
  if (name == "etag" || name == "last-modified") {
    report.error(value,
                 in_quotes(header.name) +
                     " says which version of a file it is: it can only "
                     "be taken out",
                 "null takes it out");
  }
}

// "text/html", "image/*", "*".
bool is_media_type(std::string_view type, bool with_wildcards) {
  if (type == "*") return with_wildcards;
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view major = type.substr(0, slash);
  const std::string_view minor = type.substr(slash + 1);
  const auto lacks_star = [](std::string_view word) { return word.find('*') == word.npos; };
  return is_token(major) && lacks_star(major) && is_token(minor) &&
         (lacks_star(minor) || (with_wildcards && minor == "*"));
}

// Every part of a Cache-Control value that is none.
void check_directives(Report& report, JsonValue value, std::string_view text) {
  while (true) {
    const std::size_t comma = text.find(',');
    std::string_view name = text.substr(0, comma);
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    name = name.substr(0, name.find_first_of(" ="));
    if (std::find(std::begin(cache_directives), std::end(cache_directives), name) ==
        std::end(cache_directives)) {
      const std::string_view meant = nearest(name, cache_directives);
      report.error(value,
                   in_quotes(name) + " is neither a duration nor a directive of Cache-Control",
                   meant.empty() ? R"(for example "30d", "no-store" or "public, max-age=3600")"
                                 : "did you mean " + in_quotes(meant) + "?");
      return;
    }
    if (comma == std::string_view::npos) return;
    text.remove_prefix(comma + 1);
  }
}

std::string max_age_of(Milliseconds duration) {
  return "max-age=" + std::to_string(duration.count() / 1000);
}

std::optional<std::string> read_cache_control(Report& report, JsonValue value) {
  if (value.is(JsonKind::number) ||
      (value.is(JsonKind::string) && parse_duration(value.text()).has_value())) {
    const auto duration = read_duration(report, value, caching_times);
    if (!duration) return std::nullopt;
    return max_age_of(*duration);
  }
  auto text = read_bounded(report, value, longest_value);
  if (text) check_directives(report, value, *text);
  return text;
}

// RFC 6454, 6.1: scheme, host, port if it is another than the scheme's.
bool is_origin(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos || end == 0) return false;
  const std::string_view host = text.substr(end + 3);
  return !host.empty() && text.find_first_of(" /?#\"\\,", end + 3) == std::string_view::npos &&
         lower(text) == text;
}

template <typename Check>
void read_words(Report& report, JsonValue object, std::string_view key,
                std::vector<std::string>& words, std::string_view what, Check is_good) {
  const auto list = object.find(key);
  if (!list || !report.expect(*list, JsonKind::array)) return;
  for (JsonValue element : *list) {
    auto word = read_bounded(report, element, longest_value / 8);
    if (!word) continue;
    if (!has_room(report, element, words.size())) return;
    if (is_good(*word)) {
      words.push_back(std::move(*word));
    } else {
      report.error(element, in_quotes(*word) + " is not " + std::string(what));
    }
  }
}

}  // namespace

std::vector<HeaderSetting> read_headers(Report& report, JsonValue value) {
  std::vector<HeaderSetting> headers;
  std::size_t bytes = 0;
  if (!report.expect(value, JsonKind::object)) return headers;
  for (JsonValue member : value) {
    if (!has_room(report, member, headers.size())) break;
    if (!check_header_name(report, member)) continue;
    HeaderSetting header;
    header.name = std::string(member.key());
    if (member.is(JsonKind::object)) {
      if (!report.expect_keys(member, in_quotes(member.key()), header_keys)) continue;
      if (const auto on = member.find("on")) read_statuses(report, *on, header.statuses);
      const auto text = member.find("value");
      if (!text) report.error(member, in_quotes(member.key()) + R"( needs "value")");
      if (text) read_header_value(report, *text, header);
    } else {
      // What is taken out is so whatever the status.
      if (member.is(JsonKind::null)) header.statuses.clear();
      read_header_value(report, member, header);
    }
    bytes += header.name.size() + header.value.value_or("").size();
    headers.push_back(std::move(header));
  }
  if (bytes > most_header_bytes) {
    report.error(value, "these headers are longer than " + std::to_string(most_header_bytes) +
                            " bytes together");
  }
  return headers;
}

Cors read_cors(Report& report, JsonValue value) {
  Cors cors;
  if (value.is(JsonKind::boolean) && value.text() == "false") return cors;
  if (!report.expect_keys(value, R"("cors")", cors_keys)) return cors;
  const auto is_name = [](const std::string& word) { return is_token(word); };
  read_words(report, value, "origins", cors.origins, R"(an origin: "https://a.example", or "*")",
             [](const std::string& word) { return word == "*" || is_origin(word); });
  read_words(report, value, "methods", cors.methods, "a method", is_name);
  read_words(report, value, "headers", cors.headers, "the name of a header", is_name);
  read_words(report, value, "expose", cors.exposed, "the name of a header", is_name);
  if (const auto credentials = value.find("credentials")) {
    cors.credentials = read_boolean(report, *credentials).value_or(false);
  }
  if (const auto age = value.find("max_age")) {
    if (const auto read = read_duration(report, *age, {Milliseconds(0), std::chrono::hours(24)})) {
      cors.max_age = static_cast<std::uint32_t>(read->count() / 1000);
    }
  }
  const bool has_star =
      std::find(cors.origins.begin(), cors.origins.end(), "*") != cors.origins.end();
  const auto origins = value.find("origins");
  if (!origins || origins->empty()) {
    report.error(value, R"("cors" needs "origins")", R"(for example "origins": ["*"])");
  } else if (has_star && cors.origins.size() > 1) {
    report.error(*origins, R"("*" stands alone)");
  } else if (has_star && cors.credentials) {
    report.error(*origins, R"("*" and "credentials" do not go together)",
                 "name the origins whose visitors may use their cookies here");
  }
  return cors;
}

std::vector<CachingSetting> read_caching(Report& report, JsonValue value) {
  std::vector<CachingSetting> caching;
  if (!report.expect(value, JsonKind::object)) return caching;
  for (JsonValue member : value) {
    if (!has_room(report, member, caching.size())) break;
    if (!is_media_type(member.key(), true)) {
      report.error_at_key(member, in_quotes(member.key()) + " is not a media type",
                          R"(for example "text/css", "image/*", or "*" for all)");
      continue;
    }
    auto text = read_cache_control(report, member);
    if (text) caching.push_back({lower(member.key()), std::move(*text)});
  }
  return caching;
}

std::vector<TypeOfExtension> read_types(Report& report, JsonValue value) {
  std::vector<TypeOfExtension> types;
  if (!report.expect(value, JsonKind::object)) return types;
  for (JsonValue member : value) {
    if (!has_room(report, member, types.size())) break;
    const std::string_view extension = member.key();
    if (!is_token(extension) || extension.size() > longest_extension ||
        extension.find('.') != std::string_view::npos) {
      report.error_at_key(member, in_quotes(extension) + " is not the extension of a file name",
                          R"(it is what stands behind the last dot: "md")");
      continue;
    }
    auto type = read_bounded(report, member, longest_type);
    if (!type) continue;
    if (!is_media_type(type->substr(0, type->find(';')), false)) {
      report.error(member, in_quotes(*type) + " is not a media type",
                   R"(for example "text/plain")");
      continue;
    }
    types.push_back({lower(extension), std::move(*type)});
  }
  return types;
}

std::vector<ErrorPageSetting> read_error_pages(Report& report, JsonValue value) {
  std::vector<ErrorPageSetting> pages;
  if (!report.expect(value, JsonKind::object)) return pages;
  for (JsonValue member : value) {
    if (!has_room(report, member, pages.size())) break;
    const auto status = parse_status(member.key(), 4);
    if (!status) {
      report.error_at_key(member, in_quotes(member.key()) + " is not the status of an error",
                          R"(for example "404", or "5xx" for all of a class)");
      continue;
    }
    if (member.is(JsonKind::null)) {
      pages.push_back({*status, {}});
    } else if (auto path = read_site_path(report, member)) {
      pages.push_back({*status, std::move(*path)});
    }
  }
  return pages;
}

std::string read_charset(Report& report, JsonValue value) {
  if (value.is(JsonKind::boolean) && value.text() == "false") return {};
  auto charset = read_bounded(report, value, longest_type / 2);
  if (!charset) return {};
  if (!is_token(*charset)) {
    report.error(value, in_quotes(*charset) + " is not the name of a charset",
                 R"(for example "utf-8", or false for none)");
  }
  return lower(*charset);
}

}  // namespace perchild
