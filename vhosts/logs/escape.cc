#include "vhosts/logs/escape.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace perchild::logs {
namespace {

constexpr std::array<bool, 256> bytes_to_escape() {
  std::array<bool, 256> set{};
  for (std::size_t byte = 0; byte < set.size(); ++byte) {
    set[byte] = byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\';
  }
  return set;
}
constexpr auto must_escape = bytes_to_escape();
constexpr std::size_t escape_size = 4;  // \xHH

bool is_plain(char c) {
  return !must_escape[static_cast<unsigned char>(c)];
}

char* escape(char c, char* at) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  *at++ = '\\';
  *at++ = 'x';
  *at++ = hex[byte >> 4];
  *at++ = hex[byte & 15];
  return at;
}

}  // namespace

void Line::append(std::string_view text) {
  const std::size_t size = std::min(text.size(), static_cast<std::size_t>(end_ - at_));
  at_ = std::copy_n(text.data(), size, at_);
}

void Line::append_number(std::uint64_t number) {
  std::array<char, 20> digits;
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  append({digits.data(), static_cast<std::size_t>(done.ptr - digits.data())});
}

void Line::append_escaped(std::string_view text, std::size_t longest) {
  char* const begin = at_;
  char* const limit = at_ + std::min(longest, static_cast<std::size_t>(end_ - at_));
  char* marked_end = at_;  // the last place between two bytes that leaves room for the mark
  for (const char c : text) {
    const std::size_t room = static_cast<std::size_t>(limit - at_);
    if (room >= cut_mark.size()) marked_end = at_;
    if (room < (is_plain(c) ? 1 : escape_size)) {
      at_ = marked_end;
      if (static_cast<std::size_t>(limit - begin) >= cut_mark.size()) append(cut_mark);
      return;
    }
    if (is_plain(c)) {
      *at_++ = c;
    } else {
      at_ = escape(c, at_);
    }
  }
}

}  // namespace perchild::logs
