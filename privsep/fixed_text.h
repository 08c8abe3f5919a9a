// Text in a message: so many bytes, filled up with zeros.
//
// Runs in: command, master, worker.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace perchild {

template <std::size_t size>
struct FixedText {
  std::array<char, size> bytes;

  // What does not fit is cut off, and what is not printable becomes '?': the text may go to a
  // terminal.
  static FixedText of(std::string_view text) {
    FixedText fixed{};
    const std::size_t length = std::min(text.size(), size);
    std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length),
                   fixed.bytes.begin(), [](char c) { return is_printable(c) ? c : '?'; });
    return fixed;
  }
  // Printable ASCII, then zeros only.
  bool valid() const {
    const auto end = std::find(bytes.begin(), bytes.end(), '\0');
    return std::all_of(bytes.begin(), end, is_printable) &&
           std::all_of(end, bytes.end(), [](char c) { return c == '\0'; });
  }
  std::string_view view() const {
    const auto end = std::find(bytes.begin(), bytes.end(), '\0');
    return {bytes.data(), static_cast<std::size_t>(end - bytes.begin())};
  }

 private:
  static constexpr bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }
};

}  // namespace perchild
