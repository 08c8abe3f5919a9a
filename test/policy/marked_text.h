// Texts in which the place that a test speaks of is marked with '^'.
#pragma once

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

}  // namespace perchild::test
