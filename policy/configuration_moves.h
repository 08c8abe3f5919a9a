// What the configuration says of redirects, rewrites and paths to try.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/configuration_report.h"
#include "policy/content_settings.h"

namespace perchild {

inline constexpr std::size_t most_moves_of_a_place = 1000;

// An object or an array of them. `captures`: how many the place that it stands in has, for what has
// no pattern of its own.
std::vector<Move> read_redirects(Report& report, JsonValue value, std::uint32_t captures);
std::vector<Move> read_rewrites(Report& report, JsonValue value, std::uint32_t captures);

// An array of paths, the last of which may be a status.
Try read_try(Report& report, JsonValue value);

// The text of a pattern that compiles.
std::optional<std::string> read_pattern(Report& report, JsonValue value);
// How many groups it has.
std::uint32_t groups_of(const std::string& pattern);

}  // namespace perchild
