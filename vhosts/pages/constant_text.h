// Text that the compiler puts together.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace perchild::pages {

// Writing past the end does not compile.
template <std::size_t capacity>
class ConstantText {
 public:
  constexpr void append(std::string_view text) {
    for (const char c : text) text_[length_++] = c;
  }
  constexpr void append_number(std::size_t number) {
    if (number >= 10) append_number(number / 10);
    text_[length_++] = static_cast<char>('0' + number % 10);
  }
  constexpr std::size_t size() const { return length_; }
  constexpr std::string_view view() const { return {text_.data(), length_}; }

 private:
  std::array<char, capacity> text_{};
  std::size_t length_ = 0;
};

}  // namespace perchild::pages
