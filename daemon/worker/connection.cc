#include "daemon/worker/connection.h"

#include <linux/tcp.h>  // glibc's tcp_info ends too early
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/worker/carrier.h"
#include "daemon/worker/tls.h"
#include "daemon/worker/worker_loop.h"

namespace perchild {

void Wait::await_suspend(std::coroutine_handle<> session) {
  connection_.waiting_ = session;
  connection_.waiting_for_ = what_;
  if (deadlines_ == nullptr) {
    connection_.deadline.unlink();
  } else if (deadline_ == Deadline::anew) {
    deadlines_->set(connection_.deadline, connection_.loop_.now());
  }
  if (what_ == For::turn) {
    connection_.loop_.turns().add_short(connection_.index());
  } else if (what_ == For::long_turn) {
    connection_.loop_.turns().add_long(connection_.index());
  } else if (what_ != For::answer && !connection_.watched_) {
    connection_.watched_ = connection_.loop_.watch(connection_);
  }
}

WakeReason Wait::await_resume() const noexcept {
  return connection_.wake_;
}

Connection::Connection(WorkerLoop& loop, std::uint32_t index)
    : deadline(*this), loop_(loop), index_(index) {}

Connection::~Connection() = default;

void Connection::begin(UniqueFd fd, const logs::ClientAddress& client, bool is_by_default,
                       TlsSite* tls) {
  fd_ = std::move(fd);
  client_.emplace(client);
  by_default = is_by_default;
  first_request = true;
  one_too_many = false;
  may_read_ = may_write_ = true;
  watched_ = peer_closed_ = false;
  if (tls != nullptr) tls_ = tls->accept(*this);
}

logs::ClientAddress Connection::local_address() const {
  if (parent_ != nullptr) return parent_->local_address();
  ::sockaddr_storage address{};
  ::socklen_t length = sizeof address;
  if (::getsockname(fd_.get(), reinterpret_cast<::sockaddr*>(&address), &length) != 0) {
    address.ss_family = AF_UNSPEC;
  }
  return logs::ClientAddress(address);
}

void Connection::begin_stream(const Connection& parent, Carrier& carrier) {
  parent_ = &parent;
  carrier_ = &carrier;
  client_.emplace(parent.peer());
  by_default = parent.by_default;
  approved_host = parent.approved_host;
  over_tls = parent.over_tls;
  is_counted = false;
  one_too_many = parent.one_too_many;
  first_request = false;
  may_read_ = may_write_ = true;
  watched_ = true;  // its carrier tells of its events
  peer_closed_ = false;
}

void Connection::set_input(std::string_view head) {
  input_begin_ = 0;
  input_end_ = static_cast<std::uint32_t>(head.copy(buffer().input.data(), head.size()));
}

void Connection::finish() {
  loop_.on_finished(*this);
  if (tls_ != nullptr) tls_->end_sending();
  tls_.reset();
  release_buffer();
  input_begin_ = input_end_ = 0;
  bytes_ = {};
  approved_host.reset();
  client_.reset();
  visitor_.reset();
  deadline.unlink();
  waiting_ = nullptr;
  parent_ = nullptr;
  carrier_ = nullptr;
  fd_.reset();
}

IoBuffer& Connection::buffer() {
  if (buffer_ == nullptr) buffer_ = loop_.buffers().take();
  return *buffer_;
}

void Connection::release_buffer() {
  loop_.buffers().give_back(std::move(buffer_));
}

std::string_view Connection::input() const {
  if (buffer_ == nullptr) return {};
  return {buffer_->input.data() + input_begin_, input_end_ - input_begin_};
}

void Connection::consume(std::size_t count) {
  input_begin_ += static_cast<std::uint32_t>(count);
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
  visitor_.reset();  // the next request may be another's
}

void Connection::erase(std::size_t offset, std::size_t count) {
  if (count == 0) return;
  char* at = buffer_->input.data() + input_begin_ + offset;
  std::memmove(at, at + count, input_end_ - input_begin_ - offset - count);
  input_end_ -= static_cast<std::uint32_t>(count);
  bytes_.in += count;
}

// A short count means that the socket was empty: what comes later makes a new edge. But the end of
// the stream may have come with the bytes, and has no edge of its own.
Connection::Received Connection::received(ssize_t got, std::size_t asked) {
  if (got > 0) {
    if (static_cast<std::size_t>(got) < asked && !peer_closed_) may_read_ = false;
    return Received::bytes;
  }
  if (got == 0) return Received::end;
  if (errno != EAGAIN && errno != EINTR) return Received::failed;
  may_read_ = errno == EINTR;
  return Received::nothing_yet;
}

void Connection::settle_input() {
  if (input_begin_ == 0) return;
  char* const front = buffer_->input.data();
  std::memmove(front, front + input_begin_, input_end_ - input_begin_);
  input_end_ -= std::exchange(input_begin_, 0);
}

Connection::Received Connection::receive() {
  IoBuffer& io = buffer();
  settle_input();
  const std::size_t room = io.input.size() - input_end_;
  if (room == 0) return Received::full;
  if (tls_ != nullptr) return receive_decrypted({io.input.data() + input_end_, room});
  if (carrier_ != nullptr) {
    std::size_t count = 0;
    const Received came = carrier_->receive({io.input.data() + input_end_, room}, count);
    input_end_ += static_cast<std::uint32_t>(count);
    may_read_ = came != Received::nothing_yet;
    return came;
  }
  const ssize_t got = ::recv(fd_.get(), io.input.data() + input_end_, room, MSG_DONTWAIT);
  if (got > 0) input_end_ += static_cast<std::uint32_t>(got);
  return received(got, room);
}

Connection::Received Connection::discard(std::uint64_t& count) {
  constexpr std::size_t at_once = 256 * 1024;
  // tcp(7): with MSG_TRUNC the bytes are dropped without being copied.
  const ssize_t got = ::recv(fd_.get(), nullptr, at_once, MSG_TRUNC | MSG_DONTWAIT);
  if (got > 0) {
    count += static_cast<std::uint64_t>(got);
    bytes_.in += static_cast<std::uint64_t>(got);
  }
  return received(got, at_once);
}

ssize_t Connection::send(std::string_view head, std::string_view body, int flags) {
  if (tls_ != nullptr) return send_encrypted(head, body, (flags & MSG_MORE) != 0);
  if (carrier_ != nullptr) {
    return sent_by_carrier(carrier_->send(head, body), head.size() + body.size());
  }
  ::iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                      {const_cast<char*>(body.data()), body.size()}};
  ::msghdr message{};
  message.msg_iov = head.empty() ? parts + 1 : parts;
  message.msg_iovlen = head.empty() || body.empty() ? 1 : 2;
  const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
  if (sent >= 0) {
    bytes_.out += static_cast<std::uint64_t>(sent);
    return sent;
  }
  if (errno == EAGAIN) may_write_ = false;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

ssize_t Connection::send_file(BorrowedFd file, off_t& offset, std::size_t count) {
  if (tls_ != nullptr) return send_file_encrypted(file, offset, count);
  if (carrier_ != nullptr) return sent_by_carrier(carrier_->send_file(file, offset, count), count);
  const ssize_t sent = ::sendfile(fd_.get(), file.get(), &offset, count);
  if (sent > 0) {
    bytes_.out += static_cast<std::uint64_t>(sent);
    return sent;
  }
  if (sent == 0) {
    errno = ENODATA;  // the file has become shorter than its response says
    return -1;
  }
  if (errno == EAGAIN) may_write_ = false;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

// A carrier takes all unless there is no room.
ssize_t Connection::sent_by_carrier(ssize_t sent, std::size_t asked) {
  if (sent < 0) return sent;
  if (static_cast<std::size_t>(sent) < asked) may_write_ = false;
  bytes_.out += static_cast<std::uint64_t>(sent);
  return sent;
}

std::uint64_t Connection::bytes_taken() {
  if (carrier_ != nullptr) return carrier_->bytes_taken();
  ::tcp_info info{};
  ::socklen_t length = sizeof info;
  if (::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
  return info.tcpi_bytes_acked;
}

void Connection::end_sending() {
  if (tls_ != nullptr) tls_->end_sending();
  ::shutdown(fd_.get(), SHUT_WR);
}

void Connection::on_events(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = may_read_ = true;
  if ((events & EPOLLIN) != 0) may_read_ = true;
  if (tls_ != nullptr && may_read_) tls_->on_readable(peer_closed_);
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) may_write_ = true;
  if (!waiting_) return;
  if (waiting_for_ == Wait::For::progress || (waiting_for_ == Wait::For::reading && may_read_) ||
      (waiting_for_ == Wait::For::writing && may_write_)) {
    resume(WakeReason::ready);
  }
}

void Connection::on_answer() {
  if (waiting_ && waiting_for_ == Wait::For::answer) resume(WakeReason::ready);
}

void Connection::on_progress() {
  if (waiting_ && waiting_for_ == Wait::For::progress) resume(WakeReason::ready);
}

void Connection::resume(WakeReason reason) {
  wake_ = reason;
  std::exchange(waiting_, nullptr).resume();
}

}  // namespace perchild
