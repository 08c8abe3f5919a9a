#include "vhosts/logs/error_log.h"

#include <array>
#include <cstring>

#include "vhosts/logs/escape.h"

namespace perchild::logs {
namespace {

constexpr std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::notice:
      return "notice";
  }
  __builtin_unreachable();
}

// "cannot open: Permission denied". strerrordesc_np, unlike strerror, opens no catalogue.
void append_errno(Line& line, int error) {
  const char* const description = ::strerrordesc_np(error);
  line.append(": ");
  if (description != nullptr) {
    line.append(description);
  } else {
    line.append("error ");
    line.append_number(static_cast<std::uint64_t>(error));
  }
}

}  // namespace

void ErrorLog::add(const ErrorRecord& record) {
  if (clock_.now() != second_) {
    say_suppressed();
    second_ = clock_.now();
    lines_ = 0;
  }
  if (lines_ >= most_lines_) {
    ++suppressed_;
    return;
  }
  ++lines_;
  write_line(record);
}

void ErrorLog::add_lost_lines(std::string_view log_name, std::uint64_t lines) {
  std::array<char, 128> memory;
  Line message(memory);
  message.append("lines of the ");
  message.append(log_name);
  message.append(" lost while it could not be written: ");
  message.append_number(lines);
  write_line({.message = message.view()});
}

void ErrorLog::flush() {
  if (clock_.now() != second_) say_suppressed();
  buffer_.flush();
  if (const std::uint64_t lost = buffer_.take_lost(); lost != 0) {
    add_lost_lines("error log", lost);
    buffer_.flush();
  }
}

std::optional<Clock::time_point> ErrorLog::flush_due(Clock::time_point now) const {
  if (suppressed_ != 0) return now + LogBuffer::retry_interval;
  return buffer_.flush_due(now);
}

void ErrorLog::write_line(const ErrorRecord& record) {
  const std::span<char> memory = buffer_.reserve(longest_line);
  if (memory.empty()) return;
  Line line(memory);
  line.append('[');
  line.append(clock_.iso());
  line.append("] [");
  line.append(name_of(record.severity));
  line.append("] ");
  if (!record.client.empty()) {
    line.append("client ");
    line.append_prose_escaped(record.client, longest_field);
    line.append(": ");
  }
  if (!record.method.empty() || !record.target.empty()) {
    line.append_prose_escaped(record.method, longest_field);
    if (!record.method.empty() && !record.target.empty()) line.append(' ');
    line.append_prose_escaped(record.target, longest_field);
    line.append(": ");
  }
  line.append_prose_escaped(record.message, longest_field);
  if (!record.subject.empty()) {
    line.append(' ');
    line.append_prose_escaped(record.subject, longest_field);
  }
  if (record.error != 0) append_errno(line, record.error);
  line.append('\n');
  buffer_.commit(line.size());
}

void ErrorLog::say_suppressed() {
  if (suppressed_ == 0) return;
  std::array<char, 128> memory;
  Line message(memory);
  message.append("lines left out, too many within a second: ");
  message.append_number(suppressed_);
  suppressed_ = 0;
  write_line({.severity = Severity::notice, .message = message.view()});
}

}  // namespace perchild::logs
