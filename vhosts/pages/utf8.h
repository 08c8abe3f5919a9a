// Which bytes are one character of UTF-8 (RFC 3629, 4).
#pragma once

#include <cstddef>
#include <string_view>

namespace perchild::pages {

// The bytes of the character that `text` begins with; 0 if it begins with none. Overlong forms,
// surrogates and what lies beyond U+10FFFF are no characters.
constexpr std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return byte(i) >> 6 == 0b10; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first < 0xc2 || first > 0xf4 || !continues(1)) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) {
    const bool is_overlong = first == 0xe0 && second < 0xa0;
    const bool is_surrogate = first == 0xed && second >= 0xa0;
    return !is_overlong && !is_surrogate && continues(2) ? 3 : 0;
  }
  const bool is_overlong = first == 0xf0 && second < 0x90;
  const bool is_beyond = first == 0xf4 && second >= 0x90;
  return !is_overlong && !is_beyond && continues(2) && continues(3) ? 4 : 0;
}

}  // namespace perchild::pages
