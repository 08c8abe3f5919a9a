// A client's address as logs show it. Made once a connection.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace perchild::logs {

class ClientAddress {
 public:
  // IPv4, IPv6, and IPv6-mapped IPv4 as IPv4. Any other family reads "-".
  explicit ClientAddress(const ::sockaddr_storage& address);
  // Of an IPv6 address, or an IPv4 one mapped; `port` in host order.
  static ClientAddress of(const std::array<std::uint8_t, 16>& address, std::uint16_t port);

  // IPv6, or IPv4 mapped (::ffff:a.b.c.d); all 0 for any other family.
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::string_view host() const { return {text_.data() + 1, host_length_}; }  // "::1"
  std::string_view host_and_port() const {                                    // "[::1]:8080"
    return {text_.data() + first_, length_};
  }

 private:
  // "[host]:port"; without the brackets for IPv4, which begins at 1.
  std::array<char, 1 + INET6_ADDRSTRLEN + 7> text_;
  std::array<std::uint8_t, 16> bytes_{};
  std::uint8_t first_ = 1;
  std::uint8_t host_length_ = 0;
  std::uint8_t length_ = 0;
};

}  // namespace perchild::logs
