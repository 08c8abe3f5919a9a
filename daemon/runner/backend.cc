#include "daemon/runner/backend.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace perchild {
namespace {

bool is_of_this_user(BorrowedFd socket) {
  ::ucred peer{};
  ::socklen_t length = sizeof peer;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
         peer.uid == ::geteuid();
}

int error_of(BorrowedFd socket) {
  int error = 0;
  ::socklen_t length = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::optional<LoopbackAddress> parse_loopback_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto port = parse_port(std::string_view(text).substr(colon + 1));
  std::string host = text.substr(0, colon);
  if (!port) return std::nullopt;
  LoopbackAddress address;
  ::sockaddr_in v4{};
  ::sockaddr_in6 v6{};
  constexpr std::uint32_t loopback_net = 127;
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    if (::ntohl(v4.sin_addr.s_addr) >> 24 != loopback_net) return std::nullopt;
    v4.sin_family = AF_INET;
    v4.sin_port = ::htons(*port);
    address.length = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
    return address;
  }
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return std::nullopt;
  host = host.substr(1, host.size() - 2);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1 ||
      !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
    return std::nullopt;
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = ::htons(*port);
  address.length = sizeof v6;
  std::memcpy(&address.storage, &v6, sizeof v6);
  return address;
}

void Backend::serve() {
  while (!waiting_.empty()) {
    if (settings_.address.starts_with('/')) {
      connect_to_path(take_first());
    } else {
      connect_to_port(take_first());
    }
  }
}

void Backend::say(const std::string& what) {
  const std::string who = name() + ": " + settings_.address;
  parts_.log.add({.message = who, .subject = what});
}

void Backend::connect_to_path(const Question& question) {
  const auto connection = connect_to(settings_.address);
  if (!connection) {
    say(std::string("cannot be connected to: ") + std::strerror(connection.error().error));
    return parts_.desk.refuse(question, NotAcquiredReason::unreachable);
  }
  // Whoever puts a socket of his own in its place would read the site's visitors.
  if (!is_of_this_user(connection->borrow())) {
    say("is not a socket of the site's user");
    return parts_.desk.refuse(question, NotAcquiredReason::forbidden);
  }
  parts_.desk.give(question, number_, connection->borrow());
}

void Backend::connect_to_port(Question question) {
  const auto address = parse_loopback_address(settings_.address);
  if (!address) {
    say("is not an address of this machine's own");
    return parts_.desk.refuse(question, NotAcquiredReason::forbidden);
  }
  UniqueFd socket(
      ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool begun =
      socket.has_value() &&
      (::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address->storage),
                 address->length) == 0 ||
       errno == EINPROGRESS);
  if (!begun) {
    say(std::string("cannot be connected to: ") + std::strerror(errno));
    return parts_.desk.refuse(question, NotAcquiredReason::unreachable);
  }
  connecting_.push_back({std::move(question), std::move(socket), parts_.desk.now() + patience});
}

void Backend::append_polled(std::vector<::pollfd>& polled) const {
  for (const Connecting& one : connecting_) polled.push_back({one.socket.get(), POLLOUT, 0});
}

void Backend::on_polled(std::span<const ::pollfd> polled) {
  for (const ::pollfd& each : polled) {
    if (each.revents == 0) continue;
    const auto found =
        std::find_if(connecting_.begin(), connecting_.end(),
                     [&](const Connecting& one) { return one.socket.get() == each.fd; });
    if (found == connecting_.end()) continue;
    const Connecting one = std::move(*found);
    connecting_.erase(found);
    if (const int error = error_of(one.socket.borrow()); error != 0) {
      say(std::string("cannot be connected to: ") + std::strerror(error));
      parts_.desk.refuse(one.question, NotAcquiredReason::unreachable);
    } else {
      parts_.desk.give(one.question, number_, one.socket.borrow());
    }
  }
}

void Backend::on_timers() {
  while (!connecting_.empty() && connecting_.front().give_up_at <= parts_.desk.now()) {
    say("does not answer");
    parts_.desk.refuse(connecting_.front().question, NotAcquiredReason::unreachable);
    connecting_.pop_front();
  }
}

std::optional<Clock::time_point> Backend::next_timer() const {
  if (connecting_.empty()) return std::nullopt;
  return connecting_.front().give_up_at;
}

}  // namespace perchild
