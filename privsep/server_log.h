// The server's own log: lines on stderr, with the priority prefix that journald reads where stderr
// goes there.
//
// Runs in: command, master, router.
// Does not trust: the text, which may carry a stranger's bytes; control characters are escaped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace perchild {

// Numbers of syslog(3).
enum class Priority : std::uint8_t { critical = 2, error = 3, warning = 4, notice = 5, info = 6 };

class ServerLog {
 public:
  // `journal_stream` is the value of $JOURNAL_STREAM, or nullptr; see systemd.exec(5).
  ServerLog(std::string_view program, const char* journal_stream);

  // One line, one write(2). A log that cannot be written is no reason to stop, nor one that nobody
  // reads to wait: a line that a pipe or a socket has no room for is lost, and counted.
  void line(Priority severity, std::string_view text) const;

  // What a child is to find in its environment so that it logs alike: "JOURNAL_STREAM=..." or
  // empty.
  const std::string& environment() const { return environment_; }

 private:
  enum class Kind : std::uint8_t { pipe, socket, other };
  std::string format(Priority severity, std::string_view text) const;
  bool write_whole(std::string_view line) const;

  std::string program_;
  std::string environment_;
  bool prefixed_;
  Kind kind_;
  mutable std::uint64_t lost_ = 0;  // lines, since the last one that was written
};

}  // namespace perchild
