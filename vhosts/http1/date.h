// HTTP dates (RFC 9110, 5.6.7). Pure functions: no locale, no time zone, no clock.
#pragma once

#include <cstddef>
#include <ctime>
#include <optional>
#include <span>
#include <string_view>

namespace perchild::http1 {

inline constexpr std::size_t date_length = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes IMF-fixdate and returns a view of the buffer. Times outside the years 0 to 9999 become the
// first or the last second of these.
std::string_view format_date(std::time_t time, std::span<char, date_length> buffer);

// Reads all three formats (IMF-fixdate, RFC 850, asctime), strictly: their exact widths and case, a
// day that exists, its right weekday. Second 60 is the next minute's first. `now` decides about
// RFC 850's two-digit years: one that seems over 50 years ahead is in the past.
std::optional<std::time_t> parse_date(std::string_view text, std::time_t now);

}  // namespace perchild::http1
