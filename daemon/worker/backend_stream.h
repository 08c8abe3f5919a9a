// One connection to a program: bytes both ways, never waited for. Edge-triggered, as a client's.
//
// Runs in: worker.
// Does not trust: the program.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "privsep/unique_fd.h"
#include "vhosts/deadline_list.h"

namespace perchild {

class Connection;

class BackendStream {
 public:
  explicit BackendStream(std::uint32_t index) : deadline(*this), index_(index) {}
  BackendStream(const BackendStream&) = delete;
  BackendStream& operator=(const BackendStream&) = delete;

  struct Origin {
    std::uint32_t program = 0;
    std::uint32_t instance = 0;  // as the runner names it
    std::uint32_t channel = 0;   // which runner's
  };

  std::uint32_t index() const { return index_; }
  const Origin& origin() const { return origin_; }
  bool is_open() const { return fd_.has_value(); }
  BorrowedFd fd() const { return fd_.borrow(); }
  void begin(UniqueFd fd, const Origin& origin);
  void finish();

  // Who is told of each event, and of the end of its time; nullptr at rest.
  Connection* user = nullptr;
  bool timed_out = false;
  std::uint32_t requests = 0;  // that it has been used for, here and elsewhere
  DeadlineLink<BackendStream> deadline;

  enum class Received : std::uint8_t { bytes, nothing_yet, end, failed };
  // The number of bytes goes to `count`.
  Received receive(std::span<char> room, std::size_t& count);
  // Bytes sent, 0 if there is no room, -1 if nobody will read them.
  ssize_t send(std::string_view first, std::string_view second);
  void end_sending();
  bool may_read() const { return may_read_; }
  bool may_write() const { return may_write_; }
  bool peer_closed() const { return peer_closed_; }

  // For the loop.
  void on_events(std::uint32_t events);

 private:
  const std::uint32_t index_;
  Origin origin_;
  UniqueFd fd_;
  // What the last event said, until a call came back short (epoll(7), Q9).
  bool may_read_ = false;
  bool may_write_ = true;
  bool peer_closed_ = false;
};

}  // namespace perchild
