#include "vhosts/access/credentials.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace perchild::access {
namespace {

constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto digit_values = make_digits();

// RFC 4648, 4, strictly: padded, nothing else in between, no bits beyond the last byte.
std::optional<std::string_view> decode_base64(std::string_view text, std::span<char> buffer) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  const std::size_t length = text.size() / 4 * 3 - padding;
  if (length > buffer.size()) return std::nullopt;
  text.remove_suffix(padding);
  std::uint32_t bits = 0;
  unsigned count = 0;
  std::size_t written = 0;
  for (const char c : text) {
    const std::uint8_t value = digit_values[static_cast<unsigned char>(c)];
    if (value == no_digit) return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      buffer[written++] = static_cast<char>(bits >> count & 0xff);
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return std::string_view(buffer.data(), written);
}

bool equals_basic(std::string_view scheme) {
  constexpr std::string_view basic = "basic";
  return scheme.size() == basic.size() &&
         std::equal(scheme.begin(), scheme.end(), basic.begin(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

bool is_password(std::string_view text) {
  // A NUL would end it for crypt(3); RFC 7617, 2 allows no control character.
  return text.size() <= longest_password && std::none_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

}  // namespace

std::optional<Credentials> parse_basic_credentials(std::string_view field, std::span<char> buffer) {
  const std::size_t space = field.find(' ');
  if (space == std::string_view::npos || !equals_basic(field.substr(0, space))) return std::nullopt;
  const std::size_t token = field.find_first_not_of(' ', space);
  if (token == std::string_view::npos) return std::nullopt;
  const auto decoded = decode_base64(field.substr(token), buffer);
  if (!decoded) return std::nullopt;
  const std::size_t colon = decoded->find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const Credentials credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
  if (!is_user_name(credentials.user) || !is_password(credentials.password)) return std::nullopt;
  return credentials;
}

}  // namespace perchild::access
