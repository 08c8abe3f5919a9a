#include "policy/configuration_values.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <vector>

#include "policy/spelling.h"

namespace perchild {
namespace {

constexpr std::uint64_t kibi = 1024;
// Well below an overflow of milliseconds; every range ends long before.
constexpr std::uint64_t most_seconds = 1'000'000'000;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit size_units[] = {{"G", kibi* kibi* kibi}, {"M", kibi* kibi}, {"K", kibi}};
constexpr Unit duration_units[] = {{"ms", 1},        {"y", 31'536'000'000}, {"d", 86'400'000},
                                   {"h", 3'600'000}, {"m", 60'000},         {"s", 1'000}};

std::string range_text(const std::string& least, const std::string& most) {
  return "from " + least + " to " + most;
}

std::string must_be(JsonValue value, const std::string& what) {
  return value.label() + " must be " + what;
}

constexpr std::size_t longest_site_path = 1024;

// Whether a decoded path could ever equal or begin with it.
bool is_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  for (path.remove_prefix(1); !path.empty();) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return true;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t factor = 1;
  for (const Unit& unit : size_units) {
    if (!text.ends_with(unit.name)) continue;
    text.remove_suffix(unit.name.size());
    factor = unit.factor;
    break;
  }
  const auto number = parse_number(text);
  if (!number || *number > UINT64_MAX / factor) return std::nullopt;
  return *number * factor;
}

std::optional<Milliseconds> parse_duration(std::string_view text) {
  for (const Unit& unit : duration_units) {
    if (!text.ends_with(unit.name)) continue;
    text.remove_suffix(unit.name.size());
    const auto number = parse_number(text);
    if (!number || *number > std::min(most_seconds, INT64_MAX / unit.factor)) return std::nullopt;
    return Milliseconds(*number * unit.factor);
  }
  return std::nullopt;
}

std::optional<Milliseconds> parse_seconds(std::string_view number) {
  const std::size_t point = number.find('.');
  const auto seconds = parse_number(number.substr(0, point));
  if (!seconds || *seconds > most_seconds) return std::nullopt;
  std::uint64_t thousandths = 0;
  if (point != std::string_view::npos) {
    std::string digits(number.substr(point + 1));
    if (digits.size() > 3) return std::nullopt;
    digits.resize(3, '0');
    const auto fraction = parse_number(digits);
    if (!fraction) return std::nullopt;
    thousandths = *fraction;
  }
  return Milliseconds(*seconds * 1000 + thousandths);
}

std::string size_text(std::uint64_t bytes) {
  for (const Unit& unit : size_units) {
    if (bytes != 0 && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

std::string duration_text(Milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  for (std::string_view name : {"h", "m", "s"}) {
    const auto unit =
        std::find_if(std::begin(duration_units), std::end(duration_units),
                     [name](const Unit& candidate) { return candidate.name == name; });
    if (count != 0 && count % unit->factor == 0) {
      return std::to_string(count / unit->factor) + std::string(name);
    }
  }
  return count == 0 ? "0" : std::to_string(count) + "ms";
}

std::optional<std::uint64_t> read_number(Report& report, JsonValue value, NumberRange range) {
  const auto number = value.is(JsonKind::number) ? parse_number(value.text()) : std::nullopt;
  if (number && range.least <= *number && *number <= range.most) return number;
  report.error(value, must_be(value, "a whole number " + range_text(std::to_string(range.least),
                                                                    std::to_string(range.most))));
  return std::nullopt;
}

std::optional<std::uint64_t> read_size(Report& report, JsonValue value, NumberRange range) {
  std::optional<std::uint64_t> bytes;
  if (value.is(JsonKind::number)) bytes = parse_number(value.text());
  if (value.is(JsonKind::string)) bytes = parse_size(value.text());
  if (bytes && range.least <= *bytes && *bytes <= range.most) return bytes;
  report.error(
      value, must_be(value, "a size " + range_text(size_text(range.least), size_text(range.most))),
      R"(a size is a number of bytes, or one with a unit: "512K", "8M", "1G")");
  return std::nullopt;
}

std::optional<Milliseconds> read_duration(Report& report, JsonValue value, DurationRange range) {
  std::optional<Milliseconds> duration;
  if (value.is(JsonKind::number)) duration = parse_seconds(value.text());
  if (value.is(JsonKind::string)) duration = parse_duration(value.text());
  if (duration && range.least <= *duration && *duration <= range.most) return duration;
  report.error(
      value,
      must_be(value,
              "a duration " + range_text(duration_text(range.least), duration_text(range.most))),
      R"(a duration is a number of seconds, or one with a unit: "500ms", "10s", "2m", "1h")");
  return std::nullopt;
}

std::optional<std::string> read_text(Report& report, JsonValue value) {
  if (!report.expect(value, JsonKind::string)) return std::nullopt;
  const std::string_view text = value.text();
  if (text.empty()) {
    report.error(value, must_be(value, "no empty string"));
    return std::nullopt;
  }
  bool has_control = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    has_control = has_control || control_length(text.substr(i)) != 0;
  }
  if (has_control) {
    report.error(value, value.label() + " must not hold a control character");
    return std::nullopt;
  }
  return std::string(text);
}

std::optional<std::string> read_absolute_path(Report& report, JsonValue value) {
  const auto path = read_text(report, value);
  if (!path) return std::nullopt;
  if (path->front() != '/') {
    report.error(value, must_be(value, "an absolute path"), "an absolute path begins with '/'");
    return std::nullopt;
  }
  if (path->size() >= PATH_MAX - 256) {  // something will be appended to it
    report.error(value, value.label() + " is too long for a path");
    return std::nullopt;
  }
  return path;
}

std::optional<bool> read_boolean(Report& report, JsonValue value) {
  if (!report.expect(value, JsonKind::boolean)) return std::nullopt;
  return value.text() == "true";
}

std::optional<std::string> read_site_path(Report& report, JsonValue value) {
  auto path = read_text(report, value);
  if (!path) return std::nullopt;
  if (!is_path(*path) || path->size() > longest_site_path) {
    report.error(value, in_quotes(*path) + " is not a path within a site",
                 "it begins with '/', is not percent-encoded, and has no empty part, \".\" or "
                 "\"..\" in it");
    return std::nullopt;
  }
  return path;
}

std::optional<std::size_t> read_choice(Report& report, JsonValue value,
                                       std::span<const std::string_view> choices) {
  if (value.is(JsonKind::string)) {
    const auto choice = std::find(choices.begin(), choices.end(), value.text());
    if (choice != choices.end()) return static_cast<std::size_t>(choice - choices.begin());
  }
  std::vector<std::string> names;
  for (std::string_view choice : choices) names.push_back(in_quotes(choice));
  const std::vector<std::string_view> words(names.begin(), names.end());
  const std::string_view meant =
      value.is(JsonKind::string) ? nearest(value.text(), choices) : std::string_view();
  report.error(value, must_be(value, listed(words, "or")),
               meant.empty() ? "" : "did you mean " + in_quotes(meant) + "?");
  return std::nullopt;
}

void take_size(Report& report, JsonValue object, std::string_view key, NumberRange range,
               std::uint64_t& target) {
  if (const auto value = object.find(key)) {
    if (const auto size = read_size(report, *value, range)) target = *size;
  }
}

void take_duration(Report& report, JsonValue object, std::string_view key, DurationRange range,
                   Milliseconds& target) {
  if (const auto value = object.find(key)) {
    if (const auto duration = read_duration(report, *value, range)) target = *duration;
  }
}

void take_absolute_path(Report& report, JsonValue object, std::string_view key,
                        std::string& target) {
  if (const auto value = object.find(key)) {
    if (auto path = read_absolute_path(report, *value)) target = std::move(*path);
  }
}

}  // namespace perchild
