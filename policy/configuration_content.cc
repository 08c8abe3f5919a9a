#include "policy/configuration_content.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "policy/configuration_access.h"
#include "policy/configuration_headers.h"
#include "policy/configuration_moves.h"
#include "policy/configuration_presets.h"
#include "policy/configuration_programs.h"
#include "policy/configuration_values.h"
#include "policy/pattern.h"

namespace perchild {
namespace {

constexpr std::size_t most_index_names = 32;
constexpr std::size_t most_deny_patterns = 100;
constexpr std::size_t most_locations = 1000;
constexpr std::size_t most_patterns = 100;  // each is tried for each request
constexpr std::size_t longest_file_name = 255;

constexpr std::string_view content_keys[] = {
    "index",   "redirect", "rewrite", "try",   "deny",        "headers",  "cors",
    "expires", "etag",     "charset", "types", "error_pages", "symlinks", "listing"};
constexpr std::string_view symlinks_names[] = {"none", "owner", "beneath"};
constexpr std::string_view location_kinds[] = {"prefix", "exact", "pattern"};
constexpr std::string_view location_keys[] = {"prefix", "exact",   "pattern", "auth",  "access",
                                              "php",    "fastcgi", "cgi",     "proxy", "app"};

bool is_file_name(std::string_view name) {
  return name != "." && name != ".." && name.size() <= longest_file_name &&
         name.find('/') == std::string_view::npos;
}

void read_index(Report& report, JsonValue value, std::vector<std::string>& index) {
  if (!report.expect(value, JsonKind::array)) return;
  for (JsonValue element : value) {
    const auto name = read_text(report, element);
    if (!name) continue;
    if (!is_file_name(*name)) {
      report.error(element, in_quotes(*name) + " is not the name of a file in a folder");
      continue;
    }
    if (index.size() == most_index_names) {
      report.error(element, "\"index\" must not name more than " +
                                std::to_string(most_index_names) + " files");
      return;
    }
    index.push_back(*name);
  }
}

void read_deny(Report& report, JsonValue value, std::vector<std::string>& deny) {
  if (!report.expect(value, JsonKind::array)) return;
  for (JsonValue element : value) {
    auto pattern = read_text(report, element);
    if (!pattern) continue;
    const std::string_view name = std::string_view(*pattern).substr(pattern->starts_with('!'));
    if (name.empty() || name.size() > longest_file_name || name.find('/') != name.npos) {
      report.error(element, in_quotes(*pattern) + " is not the pattern of a name",
                   R"(a name has no '/' in it; "*" is any text, "!*.sql" is served after all)");
    } else if (deny.size() == most_deny_patterns) {
      report.error(element, "\"deny\" must not have more than " +
                                std::to_string(most_deny_patterns) + " patterns");
      return;
    } else {
      deny.push_back(std::move(*pattern));
    }
  }
}

// ---- locations

// What of the site a location is. The first of the keys that name it, and there must be no other.
std::optional<Location> read_location_match(Report& report, JsonValue location) {
  std::optional<Location> read;
  std::size_t named = 0;
  for (std::size_t i = 0; i < std::size(location_kinds); ++i) {
    const auto value = location.find(location_kinds[i]);
    if (!value) continue;
    if (++named == 2) report.error_at_key(*value, "a location is named in one way only");
    if (named > 1) continue;
    const auto kind = static_cast<Location::Kind>(i);
    auto match = kind == Location::Kind::pattern ? read_pattern(report, *value)
                                                 : read_site_path(report, *value);
    if (!match) continue;
    if (kind == Location::Kind::prefix && match->ends_with('/')) match->pop_back();
    read = Location{kind, std::move(*match), {}};
  }
  if (named == 0) {
    report.error(location, R"(a location needs "prefix", "exact" or "pattern")",
                 R"(for example { "prefix": "/images", ... })");
  }
  return read;
}

// What a redirect in it can speak of. Of a bad one, whatever it likes: one mistake is enough.
std::uint32_t captures_of(const std::optional<Location>& location) {
  if (!location) return most_captures;
  switch (location->kind) {
    case Location::Kind::prefix:
      return 1;
    case Location::Kind::exact:
      break;
    case Location::Kind::pattern:
      return groups_of(location->match);
  }
  return 0;
}

void refuse_preset(Report& report, JsonValue location) {
  if (!has_preset(location)) return;
  report.error(*location.find("app"),
               "the rules for an application are a vhost's, not a location's",
               R"(give it a vhost, or a program: {"command": [...]})");
}

void read_locations(Report& report, JsonValue value, std::vector<Location>& locations,
                    OperatorsPart* operators) {
  const auto keys =
      operators == nullptr ? with_content_keys(location_kinds) : with_content_keys(location_keys);
  if (!report.expect(value, JsonKind::array)) return;
  std::set<std::pair<Location::Kind, std::string>> met;
  std::size_t patterns = 0;
  for (JsonValue element : value) {
    if (!report.expect_keys(element, "a location", keys)) continue;
    auto location = read_location_match(report, element);
    ContentSettings settings;
    read_content_settings(report, element, settings, captures_of(location));
    if (operators != nullptr) {
      const std::string_view folder = location && location->kind == Location::Kind::prefix
                                          ? std::string_view(location->match)
                                          : std::string_view();
      read_access(report, element, settings.access, operators->lists);
      read_programs(report, element, folder, settings.handlers, *operators);
      refuse_preset(report, element);
    }
    if (!location) continue;
    if (!met.insert({location->kind, location->match}).second) {
      report.error(element, "there is a location of this name already");
      continue;
    }
    if (location->kind == Location::Kind::pattern) ++patterns;
    if (patterns > most_patterns || locations.size() == most_locations) {
      report.error(element, "there are more than " + std::to_string(most_locations) +
                                " locations, or " + std::to_string(most_patterns) +
                                " of them with patterns");
      return;
    }
    location->settings = std::move(settings);
    locations.push_back(std::move(*location));
  }
}

}  // namespace

std::vector<std::string_view> with_content_keys(std::span<const std::string_view> keys) {
  std::vector<std::string_view> all(keys.begin(), keys.end());
  all.insert(all.end(), std::begin(content_keys), std::end(content_keys));
  return all;
}

bool is_content_key(std::string_view key) {
  return std::find(std::begin(content_keys), std::end(content_keys), key) != std::end(content_keys);
}

void read_owner_topics(Report& report, JsonValue value, std::vector<std::string>& topics) {
  topics.clear();
  if (value.is(JsonKind::boolean)) {
    if (value.text() == "true") topics.assign(std::begin(content_keys), std::end(content_keys));
    return;
  }
  if (!value.is(JsonKind::array)) {
    report.error(value, value.label() + " must be true, false or an array of keys");
    return;
  }
  for (JsonValue element : value) {
    if (const auto key = read_choice(report, element, content_keys)) {
      topics.emplace_back(content_keys[*key]);
    }
  }
}

void read_content_settings(Report& report, JsonValue object, ContentSettings& settings,
                           std::uint32_t captures) {
  if (const auto index = object.find("index")) read_index(report, *index, settings.index.emplace());
  if (const auto redirect = object.find("redirect")) {
    settings.redirect = read_redirects(report, *redirect, captures);
  }
  if (const auto rewrite = object.find("rewrite")) {
    settings.rewrite = read_rewrites(report, *rewrite, captures);
  }
  if (const auto paths = object.find("try")) settings.try_paths = read_try(report, *paths);
  if (const auto deny = object.find("deny")) read_deny(report, *deny, settings.deny);
  if (const auto headers = object.find("headers")) {
    settings.headers = read_headers(report, *headers);
  }
  if (const auto cors = object.find("cors")) settings.cors = read_cors(report, *cors);
  if (const auto expires = object.find("expires")) {
    settings.caching = read_caching(report, *expires);
  }
  if (const auto etag = object.find("etag")) settings.etag = read_boolean(report, *etag);
  if (const auto listing = object.find("listing")) {
    settings.listing = read_boolean(report, *listing);
  }
  if (const auto charset = object.find("charset")) {
    settings.charset = read_charset(report, *charset);
  }
  if (const auto symlinks = object.find("symlinks")) {
    const auto choice = read_choice(report, *symlinks, symlinks_names);
    if (choice) settings.symlinks = static_cast<Symlinks>(*choice);
  }
  if (const auto types = object.find("types")) settings.types = read_types(report, *types);
  if (const auto pages = object.find("error_pages")) {
    settings.error_pages = read_error_pages(report, *pages);
  }
}

void read_content(Report& report, JsonValue object, Content& content, OperatorsPart* operators) {
  std::optional<Content> preset;
  if (operators != nullptr) preset = read_preset(report, object, content, *operators);
  if (preset) overlay(content.settings, preset->settings);
  read_content_settings(report, object, content.settings);
  if (operators != nullptr) {
    read_access(report, object, content.settings.access, operators->lists);
    ContentSettings own;
    read_programs(report, object, {}, own.handlers, *operators);
    if (object.find("try")) own.try_paths = std::move(content.settings.try_paths);
    overlay(content.settings, own);
  }
  if (const auto list = object.find("locations")) {
    read_locations(report, *list, content.locations, operators);
  }
  if (preset) add_locations_of_preset(content, std::move(preset->locations));
}

}  // namespace perchild
