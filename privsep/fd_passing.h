// One message and its descriptors over a SOCK_SEQPACKET socket: the only place that touches
// SCM_RIGHTS.
//
// Runs in: every process that sends or takes messages.
// Trusts: the kernel.
// Does not trust: the sender. A descriptor is owned before anything else about it is checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "privsep/unique_fd.h"

namespace perchild {

// More than any message of ours carries, so that a surplus is seen and not cut off by the kernel.
inline constexpr std::size_t max_passed_fds = 4;

enum class SendStatus : std::uint8_t {
  sent,
  would_block,  // the peer's queue is full, or too many descriptors are in flight
  peer_gone,    // nobody will ever read it
  failed,       // errno says why
};

// Sends `bytes` as one message. Never blocks and never raises SIGPIPE.
[[nodiscard]] SendStatus send_with_fds(BorrowedFd socket, std::span<const std::byte> bytes,
                                       std::span<const BorrowedFd> fds);

inline constexpr std::size_t max_batch = 32;

struct BatchSent {
  std::size_t count;  // how many were sent, from the first on
  SendStatus status;  // `sent` if that is all, else why the next one was not
};

// The same for at most max_batch messages, the i-th with `fds[i]`, in one system call: the receiver
// is woken once, and does not take the processor before all are sent.
[[nodiscard]] BatchSent send_batch_with_fds(BorrowedFd socket,
                                            std::span<const std::span<const std::byte>> messages,
                                            std::span<const BorrowedFd> fds);

enum class ReceiveStatus : std::uint8_t {
  message,
  would_block,
  peer_gone,
  malformed,
  out_of_fds,  // the receiver's own table is full: a message was lost with its descriptors
  failed,
};

struct ReceivedBytes {
  ReceiveStatus status = ReceiveStatus::failed;
  std::size_t length = 0;
  std::array<UniqueFd, max_passed_fds> fds;
  std::size_t fd_count = 0;
};

// Receives one message of at most `buffer.size()` bytes without blocking. A longer message, lost
// control data, control data of another kind or too many descriptors make it `malformed`; every
// descriptor that came with it has then been closed.
[[nodiscard]] ReceivedBytes receive_with_fds(BorrowedFd socket, std::span<std::byte> buffer);

}  // namespace perchild
