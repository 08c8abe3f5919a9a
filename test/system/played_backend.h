// A backend that speaks HTTP/1.1, or does not: played by the test, by hand.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "privsep/unique_fd.h"
#include "test/system/requests.h"

namespace perchild::test {

class PlayedBackend {
 public:
  PlayedBackend() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<::sockaddr*>(&address);
    ::socklen_t length = sizeof address;
    if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 8) != 0) {
      throw std::runtime_error("listen");
    }
    ::getsockname(listener_.get(), generic, &length);
    port_ = ntohs(address.sin_port);
  }

  std::string settings(const std::string& more = {}) const {
    return R"(, "proxy": {"to": "http://127.0.0.1:)" + std::to_string(port_) + "\"" + more + "}";
  }
  void accept() {
    const ::timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    peer_ = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(peer_.has_value());
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    seen_.clear();
  }
  // Whether somebody has connected, or does within so many milliseconds.
  bool is_asked_within(int milliseconds) {
    ::pollfd polled{listener_.get(), POLLIN, 0};
    return ::poll(&polled, 1, milliseconds) == 1;
  }
  // What has come, once it has `end` in it.
  std::string receive_until(const std::string& end) {
    char bytes[4096];
    while (!contains(seen_, end)) {
      const ssize_t got = ::read(peer_.get(), bytes, sizeof bytes);
      if (got <= 0) return seen_ + "<end>";
      seen_.append(bytes, static_cast<std::size_t>(got));
    }
    return std::exchange(seen_, {});
  }
  void send(const std::string& bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void close() { peer_.reset(); }
  // For who plays several connections at once.
  UniqueFd take_peer() { return std::move(peer_); }
  // Whatever it has sent and the other has not read is lost.
  void reset() {
    const ::linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }
  bool is_ended() {
    char byte;
    return ::read(peer_.get(), &byte, 1) <= 0;
  }

 private:
  UniqueFd listener_;
  UniqueFd peer_;
  std::uint16_t port_ = 0;
  std::string seen_;
};

}  // namespace perchild::test
