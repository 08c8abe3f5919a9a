// How a response comes about, for whoever asks: noted step by step by the same code that makes it.
//
// Runs in: worker (never asked there), explainer.
#pragma once

#include <string>
#include <string_view>

namespace perchild {

class Explanation {
 public:
  // A line "  name:    parts".
  template <typename... Parts>
  void note(std::string_view name, const Parts&... parts) {
    constexpr std::size_t column = 10;
    const std::size_t padding = name.size() < column - 1 ? column - 1 - name.size() : 1;
    text_.append("  ").append(name).append(":").append(padding, ' ');
    (text_.append(parts), ...);
    text_ += '\n';
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace perchild
