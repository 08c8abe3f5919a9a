// Which bytes may stand where in an HTTP/1 message. One table, one bit a class.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vhosts/find_byte.h"

namespace perchild::http1 {

// RFC 9110, 5.6.2: tchar.
inline constexpr std::uint8_t token_char = 1;
// What a request target may hold before its '?': RFC 3986 path and authority characters, and '[',
// ']', '|' and '^', which browsers send raw in paths (WHATWG URL, path percent-encode set).
inline constexpr std::uint8_t path_char = 2;
// ... and after it: those, '?', and '\\', '`', '{', '}', which the query set leaves raw as well.
inline constexpr std::uint8_t query_char = 4;

namespace detail {

constexpr std::array<std::uint8_t, 256> make_character_table() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view chars, int classes) {
    for (const char c : chars) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | classes);
    }
  };
  mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
       token_char | path_char | query_char);
  mark("!#$%&'*+-.^_`|~", token_char);
  mark("-._~!$&'()*+,;=:@/%[]|^", path_char | query_char);
  mark("?\\`{}", query_char);
  return table;
}

inline constexpr auto character_table = make_character_table();

}  // namespace detail

constexpr bool is_char_of(char c, std::uint8_t classes) {
  return (detail::character_table[static_cast<unsigned char>(c)] & classes) != 0;
}

// The first index from `from` on whose byte is of none of the classes; bytes.size() if there is
// none.
inline std::size_t skip_chars(std::string_view bytes, std::size_t from, std::uint8_t classes) {
  const char* at = bytes.data() + from;
  const char* const end = bytes.data() + bytes.size();
  while (at != end && is_char_of(*at, classes)) ++at;
  return static_cast<std::size_t>(at - bytes.data());
}

constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}

// The first control character (HTAB included) from `from` on; bytes.size() if there is none. Most
// of a browser's head is field values.
inline std::size_t find_control(std::string_view bytes, std::size_t from) {
  return find_byte(bytes, from, [](auto byte) { return (byte < 0x20) | (byte == 0x7f); });
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// Of ASCII. Most of what is compared differs in length already.
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

// Optional whitespace of RFC 9110, 5.6.3.
constexpr bool is_whitespace(char c) {
  return c == ' ' || c == '\t';
}

constexpr std::string_view trim_whitespace(std::string_view text) {
  while (!text.empty() && is_whitespace(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_whitespace(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace perchild::http1
