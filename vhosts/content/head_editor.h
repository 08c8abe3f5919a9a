// Changes a finished response head where it stands: takes fields out and puts fields in before the
// empty line. For heads of any maker, so that what a site says of its headers holds for all.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace perchild::content {

class HeadEditor {
 public:
  // `head`, at the front of `buffer`, is complete: status line, fields, empty line.
  HeadEditor(std::span<char> buffer, std::string_view head);

  // Every field of this name, case ignored.
  void remove(std::string_view name);
  void add(std::string_view name, std::string_view value);
  // Whether there is a field of this name.
  bool has(std::string_view name) const;

  // The head as it is now; empty if there was no room.
  [[nodiscard]] std::string_view finish();

 private:
  struct Line {
    std::size_t begin;
    std::size_t end;  // behind its CRLF
  };
  // The next field of this name at or behind `from`; an empty line at the end if there is none.
  Line find(std::string_view name, std::size_t from) const;
  void append(std::string_view text);
  std::string_view text() const { return {buffer_.data(), length_}; }

  std::span<char> buffer_;
  std::size_t length_;  // without the empty line
  bool failed_ = false;
};

}  // namespace perchild::content
