#include "vhosts/logs/escape.h"

#include <algorithm>
#include <array>

#include "vhosts/find_byte.h"

namespace perchild::logs {
namespace {

// Of one byte, and of many at once.
constexpr auto must_escape = [](auto byte) {
  return (byte < 0x20) | (byte >= 0x7f) | (byte == '"') | (byte == '\\');
};
bool is_plain(char c) {
  return !must_escape(static_cast<unsigned char>(c));
}

struct PlainEscape {
  static constexpr bool keeps_quotes = false;
  static constexpr std::string_view prefix = "\\x";
  static constexpr std::string_view mark = cut_mark;
};
struct ProseEscape : PlainEscape {
  static constexpr bool keeps_quotes = true;
};
struct JsonEscape {
  static constexpr bool keeps_quotes = false;
  static constexpr std::string_view prefix = "\\u00";
  static constexpr std::string_view mark = json_cut_mark;
};

char* escape(std::string_view prefix, char c, char* at) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  at = std::copy(prefix.begin(), prefix.end(), at);
  *at++ = hex[byte >> 4];
  *at++ = hex[byte & 15];
  return at;
}

}  // namespace

void Line::append_number(std::uint64_t number) {
  std::array<char, 20> digits;
  char* const end = digits.data() + digits.size();
  char* begin = end;
  do {
    *--begin = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  append({begin, static_cast<std::size_t>(end - begin)});
}

template <typename Escape>
void Line::append_bounded(std::string_view text, std::size_t longest) {
  // What nearly every text is: short enough, with nothing to escape.
  const std::size_t most = std::min(longest, static_cast<std::size_t>(end_ - at_));
  if (text.size() <= most && find_byte(text, 0, must_escape) == text.size()) return append(text);
  constexpr std::size_t escape_size = Escape::prefix.size() + 2;
  constexpr std::string_view mark = Escape::mark;
  char* const begin = at_;
  char* const limit = at_ + most;
  char* marked_end = at_;  // the last place between two bytes that leaves room for the mark
  for (const char c : text) {
    const bool stays = is_plain(c) || (Escape::keeps_quotes && c == '"');
    const std::size_t room = static_cast<std::size_t>(limit - at_);
    if (room >= mark.size()) marked_end = at_;
    if (room < (stays ? 1 : escape_size)) {
      at_ = marked_end;
      if (static_cast<std::size_t>(limit - begin) >= mark.size()) append(mark);
      return;
    }
    if (stays) {
      *at_++ = c;
    } else {
      at_ = escape(Escape::prefix, c, at_);
    }
  }
}

void Line::append_escaped(std::string_view text, std::size_t longest) {
  append_bounded<PlainEscape>(text, longest);
}

void Line::append_prose_escaped(std::string_view text, std::size_t longest) {
  append_bounded<ProseEscape>(text, longest);
}

void Line::append_json_escaped(std::string_view text, std::size_t longest) {
  append_bounded<JsonEscape>(text, longest);
}

}  // namespace perchild::logs
