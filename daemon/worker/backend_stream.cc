#include "daemon/worker/backend_stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace perchild {

void BackendStream::begin(UniqueFd fd, const Origin& origin) {
  fd_ = std::move(fd);
  origin_ = origin;
  requests = 0;
  timed_out = false;
  may_read_ = peer_closed_ = false;  // it has been asked nothing yet
  may_write_ = true;
}

void BackendStream::finish() {
  user = nullptr;
  deadline.unlink();
  fd_.reset();
}

// A short count means that the socket was empty, but the end of the stream may have come with the
// bytes, and has no edge of its own.
BackendStream::Received BackendStream::receive(std::span<char> room, std::size_t& count) {
  const ssize_t got = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (got > 0) {
    count = static_cast<std::size_t>(got);
    if (count < room.size() && !peer_closed_) may_read_ = false;
    return Received::bytes;
  }
  if (got == 0) return Received::end;
  if (errno != EAGAIN && errno != EINTR) return Received::failed;
  may_read_ = errno == EINTR;
  return Received::nothing_yet;
}

ssize_t BackendStream::send(std::string_view first, std::string_view second) {
  ::iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                      {const_cast<char*>(second.data()), second.size()}};
  ::msghdr message{};
  message.msg_iov = first.empty() ? parts + 1 : parts;
  message.msg_iovlen = first.empty() || second.empty() ? 1 : 2;
  const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  if (errno == EAGAIN) may_write_ = false;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void BackendStream::end_sending() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void BackendStream::on_events(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = may_read_ = true;
  if ((events & EPOLLIN) != 0) may_read_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) may_write_ = true;
}

}  // namespace perchild
