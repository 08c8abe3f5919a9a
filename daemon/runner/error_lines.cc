#include "daemon/runner/error_lines.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace perchild {
namespace {

constexpr int most_reads_a_turn = 8;

}  // namespace

void ErrorLines::read(logs::ErrorLog& log) {
  std::array<char, 4096> part;
  for (int reads = 0; reads < most_reads_a_turn && pipe_.has_value(); ++reads) {
    const ssize_t got = ::read(pipe_.get(), part.data(), part.size());
    if (got > 0) {
      take({part.data(), static_cast<std::size_t>(got)}, log);
    } else if (got == 0) {
      finish(log);
    } else {
      return;
    }
  }
}

void ErrorLines::finish(logs::ErrorLog& log) {
  say(log);
  pipe_.reset();
}

void ErrorLines::take(std::string_view text, logs::ErrorLog& log) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t length = std::min({end, text.size(), longest_line - line_.size()});
    line_.append(text.substr(0, length));
    text.remove_prefix(length);
    const bool ends = !text.empty() && text.front() == '\n';
    if (ends) text.remove_prefix(1);
    if (ends || line_.size() == longest_line) say(log);
  }
}

void ErrorLines::say(logs::ErrorLog& log) {
  if (line_.empty()) return;
  const std::string who = std::string(name_) + ":";
  log.add({.message = who, .subject = line_});
  line_.clear();
}

}  // namespace perchild
