#include "privsep/fd_passing.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace perchild {
namespace {

// Linux passes up to SCM_MAX_FD (253) descriptors in one header; with room for fewer it installs
// what fits, drops the rest and sets MSG_CTRUNC. CMSG_SPACE pads, so what fits can be one more than
// was asked for.
constexpr std::size_t control_size = CMSG_SPACE(sizeof(int) * max_passed_fds);

// Lays `fds` out in `control`, which has room for them.
void put_fds(::msghdr& header, std::span<std::byte> control, std::span<const BorrowedFd> fds) {
  header.msg_control = control.data();
  header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  ::cmsghdr* first = CMSG_FIRSTHDR(&header);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const int number = fds[i].get();
    std::memcpy(CMSG_DATA(first) + i * sizeof number, &number, sizeof number);
  }
}

SendStatus status_of_send_error() {
  switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ETOOMANYREFS:  // unix(7): this user has RLIMIT_NOFILE descriptors in flight
      return SendStatus::would_block;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
      return SendStatus::peer_gone;
    default:
      return SendStatus::failed;
  }
}

// Takes every descriptor out of the control data before anything is judged. False if the control
// data holds anything but SCM_RIGHTS, or more than there is room for.
bool take_fds(::msghdr& header, ReceivedBytes& received) {
  bool well_formed = true;
  for (::cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
      well_formed = false;
      continue;
    }
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number;
      std::memcpy(&number, CMSG_DATA(control) + i * sizeof number, sizeof number);
      UniqueFd fd(number);
      if (received.fd_count == received.fds.size()) {
        well_formed = false;
        continue;
      }
      received.fds[received.fd_count++] = std::move(fd);
    }
  }
  return well_formed;
}

ReceivedBytes without_fds(ReceiveStatus status) {
  ReceivedBytes received;
  received.status = status;
  return received;
}

}  // namespace

SendStatus send_with_fds(BorrowedFd socket, std::span<const std::byte> bytes,
                         std::span<const BorrowedFd> fds) {
  ::iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(::cmsghdr) std::byte control[control_size] = {};
  ::msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fds.size() > max_passed_fds) {
    errno = EINVAL;
    return SendStatus::failed;
  }
  if (!fds.empty()) put_fds(header, control, fds);
  for (;;) {
    if (::sendmsg(socket.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return SendStatus::sent;
    if (errno != EINTR) return status_of_send_error();
  }
}

BatchSent send_batch_with_fds(BorrowedFd socket,
                              std::span<const std::span<const std::byte>> messages,
                              std::span<const BorrowedFd> fds) {
  struct Part {
    ::iovec bytes;
    alignas(::cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))];
  };
  std::array<Part, max_batch> parts;
  std::array<::mmsghdr, max_batch> headers{};
  const std::size_t count = std::min({messages.size(), fds.size(), max_batch});
  for (std::size_t i = 0; i < count; ++i) {
    parts[i] = {{const_cast<std::byte*>(messages[i].data()), messages[i].size()}, {}};
    ::msghdr& header = headers[i].msg_hdr;
    header.msg_iov = &parts[i].bytes;
    header.msg_iovlen = 1;
    put_fds(header, parts[i].control, fds.subspan(i, 1));
  }
  for (;;) {
    const int sent = ::sendmmsg(socket.get(), headers.data(), static_cast<unsigned>(count),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    // sendmmsg(2) reports an error only if nothing was sent.
    if (sent >= 0) {
      const auto done = static_cast<std::size_t>(sent);
      return {done, done == messages.size() ? SendStatus::sent : SendStatus::would_block};
    }
    if (errno != EINTR) return {0, status_of_send_error()};
  }
}

ReceivedBytes receive_with_fds(BorrowedFd socket, std::span<std::byte> buffer) {
  ::iovec part{buffer.data(), buffer.size()};
  alignas(::cmsghdr) std::byte control[control_size];
  ::msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t length;
  do {
    length = ::recvmsg(socket.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    // ECONNRESET: the peer has closed its end with something unread in it. The kernel says so once,
    // ahead of what the peer has said before, which is still there.
  } while (length < 0 && (errno == EINTR || errno == ECONNRESET));
  if (length < 0) {
    return without_fds(errno == EAGAIN ? ReceiveStatus::would_block : ReceiveStatus::failed);
  }
  ReceivedBytes received;
  const bool well_formed = take_fds(header, received);
  const bool cut = (header.msg_flags & MSG_CTRUNC) != 0;
  if (!well_formed || (header.msg_flags & MSG_TRUNC) != 0) {
    return without_fds(ReceiveStatus::malformed);
  }
  // Cut although there was room for more: the kernel could not install a descriptor here.
  if (cut && received.fd_count < max_passed_fds) return without_fds(ReceiveStatus::out_of_fds);
  if (cut) return without_fds(ReceiveStatus::malformed);
  if (length == 0) {
    // A SEQPACKET peer that has gone reads as 0 bytes, and so does an empty message, which none of
    // ours is: either way there is nothing more to be had from this sender.
    return without_fds(received.fd_count == 0 ? ReceiveStatus::peer_gone
                                              : ReceiveStatus::malformed);
  }
  received.status = ReceiveStatus::message;
  received.length = static_cast<std::size_t>(length);
  return received;
}

}  // namespace perchild
