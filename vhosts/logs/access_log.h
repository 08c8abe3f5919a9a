// The access log: one line a request, in the combined format,
//   host - user [24/Nov/2026:03:00:00 +0000] "GET /x HTTP/1.1" 200 612 "referer" "user agent"
// or as a JSON object (access_log.cc has its keys; a text that is absent is null there).
// All that comes from a client is escaped and bounded (escape.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "policy/configuration.h"
#include "privsep/unique_fd.h"
#include "vhosts/logs/escape.h"
#include "vhosts/logs/log_buffer.h"
#include "vhosts/logs/log_clock.h"

namespace perchild::logs {

// Empty texts read "-".
struct AccessRecord {
  std::string_view host{};    // ClientAddress::host()
  std::string_view user{};    // who gave a password, right or wrong
  std::string_view method{};  // of a request that could not be read: empty, or what is known of it
  std::string_view target{};  // as sent
  std::string_view protocol{};  // "HTTP/1.1"
  int status = 0;
  std::uint64_t body_bytes = 0;  // of the response, sent; 0 reads "-"
  std::string_view referer{};
  std::string_view user_agent{};
  // In JSON only.
  std::string_view site{};      // the host that was asked for
  std::uint64_t bytes_in = 0;   // of the whole request
  std::uint64_t bytes_out = 0;  // of the whole response, as far as it was sent
  std::uint64_t microseconds = 0;
};

class AccessLog {
 public:
  // Bytes of a line, after escaping.
  static constexpr std::size_t longest_user = 256;
  static constexpr std::size_t longest_method = 64;
  static constexpr std::size_t longest_target = 4096;
  static constexpr std::size_t longest_field = 1024;
  static constexpr std::size_t longest_line =
      longest_user + longest_method + longest_target + 2 * longest_field + 1024;

  // Both outlive the log.
  AccessLog(BorrowedFd file, const LogClock& clock, LogFormat format = LogFormat::combined,
            std::uint64_t most_bytes = 0)
      : buffer_(file, most_bytes), clock_(clock), format_(format) {}

  LogFormat format() const { return format_; }

  void add(const AccessRecord& record);

  void begin_new_file() { buffer_.begin_new_file(); }  // see LogBuffer
  void flush() { buffer_.flush(); }
  void flush_at_rate(Clock::time_point now) { buffer_.flush_at_rate(now); }
  std::optional<Clock::time_point> flush_due(Clock::time_point now) const {
    return buffer_.flush_due(now);
  }
  [[nodiscard]] std::uint64_t take_lost() { return buffer_.take_lost(); }
  [[nodiscard]] bool take_full() { return buffer_.take_full(); }

 private:
  void write_combined(Line& line, const AccessRecord& record) const;
  void write_json(Line& line, const AccessRecord& record) const;

  LogBuffer buffer_;
  const LogClock& clock_;
  const LogFormat format_;
};

}  // namespace perchild::logs
