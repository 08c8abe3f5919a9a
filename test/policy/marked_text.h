// Texts in which the place that a test speaks of is marked with '^'.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

namespace perchild::test {

struct MarkedText {
  std::string text;   // without the mark
  std::string place;  // "line:column" of what stood behind it; empty without a mark

  explicit MarkedText(std::string_view marked) : text(marked) {
    const std::size_t at = text.find('^');
    if (at == std::string::npos) return;
    text.erase(at, 1);
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t i = 0; i < at; ++i) {
      ++column;
      if (text[i] == '\n') {
        ++line;
        column = 1;
      }
    }
    place = std::to_string(line) + ":" + std::to_string(column);
  }
};

// A text with one mistake, at its mark, and what is said of it.
struct MarkedMistake {
  std::string_view text;
  std::string_view sentence;
  std::string_view hint = {};
};
inline std::ostream& operator<<(std::ostream& out, const MarkedMistake& one) {
  return out << one.text;
}

}  // namespace perchild::test
