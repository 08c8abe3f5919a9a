#include "policy/configuration_compression.h"

#include <algorithm>

#include "policy/configuration_values.h"

namespace perchild {
namespace {

constexpr std::string_view compression_keys[] = {
    "precompressed", "on_the_fly", "min_size", "gzip_level", "brotli_quality", "programs", "types"};
constexpr std::string_view made_names[] = {"br", "gzip"};
constexpr std::size_t most_types = 64;

// `false`, or a list of codings.
void take_codings(Report& report, JsonValue object, std::string_view key,
                  std::span<const std::string_view> names, CodingSet& codings) {
  const auto value = object.find(key);
  if (!value) return;
  if (value->is(JsonKind::boolean) && value->text() == "false") {
    codings = {};
    return;
  }
  if (!report.expect(*value, JsonKind::array)) return;
  codings = {};
  for (JsonValue element : *value) {
    const auto choice = read_choice(report, element, names);
    if (!choice) continue;
    const auto name = std::find(coding_names.begin(), coding_names.end(), names[*choice]);
    codings.add(static_cast<ContentCoding>(name - coding_names.begin()));
  }
}

bool is_type_pattern(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) return false;
  const std::string_view subtype = text.substr(slash + 1);
  const auto is_token_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$&^_.+-").find(c) != std::string_view::npos;
  };
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(slash),
                     is_token_char) &&
         (subtype == "*" || std::all_of(subtype.begin(), subtype.end(), is_token_char));
}

void take_types(Report& report, JsonValue object, std::vector<std::string>& types) {
  const auto value = object.find("types");
  if (!value || !report.expect(*value, JsonKind::array)) return;
  types.clear();
  for (JsonValue element : *value) {
    const auto type = read_text(report, element);
    if (!type) continue;
    if (!is_type_pattern(*type)) {
      report.error(element, in_quotes(*type) + " is not a content type",
                   R"(a type is "application/x-font", or "application/*" for all of its kind)");
      continue;
    }
    if (types.size() == most_types) {
      report.error(element,
                   "\"types\" must not name more than " + std::to_string(most_types) + " types");
      return;
    }
    types.push_back(*type);
  }
}

}  // namespace

void read_compression(Report& report, JsonValue value, CompressionSettings& compression) {
  if (value.is(JsonKind::boolean)) {
    compression = {};
    if (value.text() == "false") compression.precompressed = compression.on_the_fly = {};
    return;
  }
  if (!report.expect_keys(value, R"("compression")", compression_keys)) return;
  take_codings(report, value, "precompressed", coding_names, compression.precompressed);
  take_codings(report, value, "on_the_fly", made_names, compression.on_the_fly);
  take_size(report, value, "min_size", {1, 1024 * 1024}, compression.min_size);
  take_number(report, value, "gzip_level", {1, 9}, compression.gzip_level);
  take_number(report, value, "brotli_quality", {0, 9}, compression.brotli_quality);
  if (const auto programs = value.find("programs")) {
    compression.programs = read_boolean(report, *programs).value_or(false);
  }
  take_types(report, value, compression.types);
}

}  // namespace perchild
