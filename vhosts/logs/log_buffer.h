// Lines on their way to a log file: collected in memory, written whole, many at a time.
//
// The descriptor is O_APPEND, so that several workers of a site can share the file: each write(2)
// lands in one piece. Serving never waits for a log: while the file cannot be written (full disk,
// I/O error), the lines that fit stay here and later ones are lost, whole, and counted. The process
// ignores SIGXFSZ, and SIGPIPE where a log is a pipe: they would end it instead.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "privsep/unique_fd.h"
#include "vhosts/deadline_list.h"

namespace perchild::logs {

class LogBuffer {
 public:
  static constexpr std::size_t capacity = 64 * 1024;
  static constexpr std::size_t flush_above = 32 * 1024;
  static constexpr std::chrono::milliseconds flush_interval{10};
  static constexpr std::chrono::milliseconds retry_interval{1000};

  // A file of `most_bytes` or more is written to no more (0: no bound): what several processes are
  // writing at that moment may still go beyond.
  // Whoever ends a process flushes first: the destructor does not, as `file` may be closed by then.
  explicit LogBuffer(BorrowedFd file, std::uint64_t most_bytes = 0)
      : file_(file),
        most_bytes_(most_bytes),
        memory_(std::make_unique_for_overwrite<std::array<char, capacity>>()) {}

  // Room for one line of up to `longest` bytes. Empty if there is none: the line is then lost, and
  // counted. Ends with commit() before anything else is called.
  [[nodiscard]] std::span<char> reserve(std::size_t longest);
  // The line, with its '\n', that was put at the start of what reserve() gave.
  void commit(std::size_t size);

  // One write(2) of all that is here; none if nothing is.
  void flush();

  // The same, but not again within the interval: in a rush of requests a write for each turn of the
  // loop would cost more than what it writes. At a turn's end.
  void flush_at_rate(Clock::time_point now);
  // When that is to be called at the latest, after a turn at `now`; none if nothing is here. While
  // writing fails, each turn tries again, and one comes even where no visitor makes it.
  std::optional<Clock::time_point> flush_due(Clock::time_point now) const;

  // How many lines were lost, once lines can be written again; then counts from 0.
  [[nodiscard]] std::uint64_t take_lost();

  // Once, where the file is as large as it may be.
  [[nodiscard]] bool take_full();

  // The descriptor leads to another file from here on, as after a rotation. What could not be
  // written goes there; but of a line that the old file has a part of, the rest is lost, so that
  // the new one begins with a whole line.
  void begin_new_file();

  bool empty() const { return size_ == 0; }

 private:
  bool is_full() const;

  BorrowedFd file_;
  std::uint64_t most_bytes_;
  std::unique_ptr<std::array<char, capacity>> memory_;
  // After a short write this starts in the middle of a line, whose first part is in the file: the
  // next write goes on exactly there.
  std::size_t size_ = 0;
  std::uint64_t lost_ = 0;
  bool torn_ = false;  // begins in the middle of a line
  bool failing_ = false;
  Clock::time_point flushed_at_{};
  bool full_ = false;
  bool full_is_said_ = false;
};

}  // namespace perchild::logs
