// The Date field of responses, formatted once a second.
#pragma once

#include <array>
#include <ctime>
#include <string_view>

namespace perchild::files {

class DateCache {
 public:
  explicit DateCache(::time_t now) { format(now); }

  // Once a loop turn; cheap while the second is the same.
  void update(::time_t now) {
    if (now != now_) format(now);
  }

  ::time_t now() const { return now_; }
  // "Date: Tue, 24 Nov 2026 03:00:00 GMT\r\n"
  std::string_view line() const { return {line_.data(), line_.size()}; }

 private:
  void format(::time_t now);

  ::time_t now_ = 0;
  std::array<char, 37> line_;
};

}  // namespace perchild::files
