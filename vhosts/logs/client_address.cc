#include "vhosts/logs/client_address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace perchild::logs {
namespace {

// Dotted quad, with a NUL behind it. inet_ntop(3) takes sprintf(3) for this, which is most of what
// the address of a connection costs.
const char* write_ipv4(const std::uint8_t* bytes, char* text) {
  char* at = text;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, at + 3, bytes[i]).ptr;
  }
  *at = '\0';
  return text;
}

}  // namespace

ClientAddress::ClientAddress(const ::sockaddr_storage& address) {
  char* const host = text_.data() + 1;
  const char* made = nullptr;
  std::uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    ::sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::uint8_t bytes[sizeof in.sin_addr];
    std::memcpy(bytes, &in.sin_addr, sizeof bytes);
    bytes_[10] = bytes_[11] = 0xff;
    std::memcpy(&bytes_[12], bytes, sizeof bytes);
    made = write_ipv4(bytes, host);
    port = ntohs(in.sin_port);
  } else if (address.ss_family == AF_INET6) {
    ::sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    const std::uint8_t* const bytes = in.sin6_addr.s6_addr;
    std::memcpy(bytes_.data(), bytes, bytes_.size());
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&in.sin6_addr);
    made = mapped ? write_ipv4(bytes + 12, host)
                  : ::inet_ntop(AF_INET6, bytes, host, INET6_ADDRSTRLEN);
    port = ntohs(in.sin6_port);
    first_ = mapped ? 1 : 0;
  }
  if (made == nullptr) {
    *host = '-';
    host_length_ = length_ = 1;
    return;
  }
  host_length_ = static_cast<std::uint8_t>(std::strlen(host));
  char* at = host + host_length_;
  if (first_ == 0) {
    text_[0] = '[';
    *at++ = ']';
  }
  *at++ = ':';
  at = std::to_chars(at, text_.data() + text_.size(), port).ptr;
  length_ = static_cast<std::uint8_t>(at - (text_.data() + first_));
}

ClientAddress ClientAddress::of(const std::array<std::uint8_t, 16>& address, std::uint16_t port) {
  ::sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, address.data(), sizeof in.sin6_addr);
  ::sockaddr_storage storage{};
  std::memcpy(&storage, &in, sizeof in);
  return ClientAddress(storage);
}

}  // namespace perchild::logs
