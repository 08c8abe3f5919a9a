// The error log of a site:
//   [2026-11-24T03:00:00+00:00] [error] client 1.2.3.4:5678: GET /x: cannot open: Permission denied
// A visitor can cause lines, so there is a most in any second; what is left out is counted and
// said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "privsep/unique_fd.h"
#include "vhosts/logs/log_buffer.h"
#include "vhosts/logs/log_clock.h"

namespace perchild::logs {

enum class Severity : std::uint8_t { error, warning, notice };

// Empty texts are left out of the line. All of them are escaped.
struct ErrorRecord {
  Severity severity = Severity::error;
  std::string_view client{};  // ClientAddress::host_and_port()
  std::string_view method{};
  std::string_view target{};   // as sent
  std::string_view message{};  // "cannot open"
  std::string_view subject{};  // what the message is about: follows it after a space
  int error = 0;               // an errno; 0: none
};

class ErrorLog {
 public:
  static constexpr std::uint32_t lines_per_second = 20;
  static constexpr std::size_t longest_field = 1024;
  static constexpr std::size_t longest_line = 5 * longest_field + 256;

  // Both outlive the log.
  ErrorLog(BorrowedFd file, const LogClock& clock,
           std::uint32_t most_lines_per_second = lines_per_second, std::uint64_t most_bytes = 0)
      : buffer_(file, most_bytes), clock_(clock), most_lines_(most_lines_per_second) {}

  void add(const ErrorRecord& record);

  // "lines of the access log lost while it could not be written: 12". Not subject to the rate.
  void add_lost_lines(std::string_view log_name, std::uint64_t lines);

  void begin_new_file() { buffer_.begin_new_file(); }  // see LogBuffer

  // Once a loop turn. Also says, when its time has come, what was left out or lost.
  void flush();
  // When there is to be a turn for that at the latest; see LogBuffer.
  std::optional<Clock::time_point> flush_due(Clock::time_point now) const;

 private:
  void write_line(const ErrorRecord& record);
  void say_suppressed();

  LogBuffer buffer_;
  const LogClock& clock_;
  const std::uint32_t most_lines_;
  ::time_t second_ = 0;  // the second that lines_ and suppressed_ are about
  std::uint32_t lines_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace perchild::logs
