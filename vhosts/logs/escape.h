// Putting a stranger's bytes into a log line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace perchild::logs {

// What ends a field that was too long. No escaped text has a backslash before a dot.
inline constexpr std::string_view cut_mark = "\\...";
// The same in JSON: an ellipsis, which no byte of a text becomes.
inline constexpr std::string_view json_cut_mark = "\\u2026";

// A log line as it is written into memory that somebody else owns. What does not fit is left out:
// nothing is ever written past the end.
class Line {
 public:
  explicit Line(std::span<char> memory)
      : begin_(memory.data()), at_(begin_), end_(begin_ + memory.size()) {}

  // Our own text, as it is.
  void append(std::string_view text) {
    at_ += text.copy(at_, static_cast<std::size_t>(end_ - at_));
  }
  void append(char c) {
    if (at_ != end_) *at_++ = c;
  }
  void append_number(std::uint64_t number);
  // Text from outside: control characters, '"', '\', DEL and every byte above it become \xHH, so a
  // field cannot end its quotes or its line, nor speak to a terminal (C1 controls included). At
  // most `longest` bytes are written; a longer text is cut there, between two of its bytes, and
  // marked.
  void append_escaped(std::string_view text, std::size_t longest);
  // The same where nothing stands in quotes: '"' stays, which messages are full of.
  void append_prose_escaped(std::string_view text, std::size_t longest);
  // The same for the inside of a JSON string: each of those bytes becomes \u00HH, so that what is
  // read from the JSON has one character for each byte of the text, of the same number.
  void append_json_escaped(std::string_view text, std::size_t longest);

  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  std::string_view view() const { return {begin_, size()}; }

 private:
  template <typename Escape>
  void append_bounded(std::string_view text, std::size_t longest);

  char* begin_;
  char* at_;
  char* end_;
};

}  // namespace perchild::logs
