// Single values of the configuration: numbers, sizes, durations, names, paths. Each reader says
// what is wrong and then gives nullopt.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policy/configuration_report.h"

namespace perchild {

using Milliseconds = std::chrono::milliseconds;

template <typename T>
struct Between {
  T least;
  T most;
};
using NumberRange = Between<std::uint64_t>;
using DurationRange = Between<Milliseconds>;
// Of most waits for somebody.
inline constexpr DurationRange brief{Milliseconds(10), std::chrono::minutes(10)};

// A whole number.
std::optional<std::uint64_t> read_number(Report& report, JsonValue value, NumberRange range);
// Bytes: 4096, "512K", "8M", "1G".
std::optional<std::uint64_t> read_size(Report& report, JsonValue value, NumberRange range);
// 10 or 0.5 (seconds), "500ms", "10s", "2m", "1h".
std::optional<Milliseconds> read_duration(Report& report, JsonValue value, DurationRange range);
// A string that is not empty and holds no control characters.
std::optional<std::string> read_text(Report& report, JsonValue value);
std::optional<std::string> read_absolute_path(Report& report, JsonValue value);
// Of a site, as a decoded request path: begins with '/', without "." and ".." and empty parts.
std::optional<std::string> read_site_path(Report& report, JsonValue value);
std::optional<bool> read_boolean(Report& report, JsonValue value);
// The index of the string among `choices`.
std::optional<std::size_t> read_choice(Report& report, JsonValue value,
                                       std::span<const std::string_view> choices);

std::optional<std::uint64_t> parse_number(std::string_view digits);
std::optional<std::uint64_t> parse_size(std::string_view text);
std::optional<Milliseconds> parse_duration(std::string_view text);
std::optional<Milliseconds> parse_seconds(std::string_view number);
std::string size_text(std::uint64_t bytes);
std::string duration_text(Milliseconds duration);

// Members of `object` that may be left out: `target` keeps its value then.
template <typename Target>
void take_number(Report& report, JsonValue object, std::string_view key, NumberRange range,
                 Target& target) {
  if (const auto value = object.find(key)) {
    if (const auto number = read_number(report, *value, range)) {
      target = static_cast<Target>(*number);
    }
  }
}
void take_size(Report& report, JsonValue object, std::string_view key, NumberRange range,
               std::uint64_t& target);
void take_duration(Report& report, JsonValue object, std::string_view key, DurationRange range,
                   Milliseconds& target);
void take_absolute_path(Report& report, JsonValue object, std::string_view key,
                        std::string& target);

}  // namespace perchild
