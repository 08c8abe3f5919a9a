// What a program writes to its stderr, line by line, for the site's error log.
//
// Runs in: runner.
// Does not trust: programs. A line is cut where it is too long, and escaped by the log.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "privsep/unique_fd.h"
#include "vhosts/logs/error_log.h"

namespace perchild {

class ErrorLines {
 public:
  // `name` is put before each line; it outlives this.
  ErrorLines(UniqueFd pipe, std::string_view name) : pipe_(std::move(pipe)), name_(name) {}

  BorrowedFd fd() const { return pipe_.borrow(); }
  bool open() const { return pipe_.has_value(); }

  // Takes what there is, but not for ever. Closes the pipe at its end.
  void read(logs::ErrorLog& log);
  // A last line without an end is one all the same.
  void finish(logs::ErrorLog& log);

  static constexpr std::size_t longest_line = 1024;

 private:
  void take(std::string_view text, logs::ErrorLog& log);
  void say(logs::ErrorLog& log);

  UniqueFd pipe_;
  std::string_view name_;
  std::string line_;
};

}  // namespace perchild
