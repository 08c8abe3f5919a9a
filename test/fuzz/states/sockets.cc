#include "test/fuzz/states/sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "test/fuzz/fuzz_driver.h"

namespace perchild::fuzz {
namespace {

::sockaddr_in address_of(BorrowedFd socket) {
  ::sockaddr_in address{};
  ::socklen_t length = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<::sockaddr*>(&address), &length);
  return address;
}

}  // namespace

UniqueFd loopback_listener() {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(listener.get(), reinterpret_cast<::sockaddr*>(&loopback), sizeof loopback) == 0 &&
            ::listen(listener.get(), 64) == 0,
        "a socket listens");
  return listener;
}

UniqueFd connect_to(BorrowedFd listener) {
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const ::linger at_once{1, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  const ::sockaddr_in address = address_of(listener);
  if (::connect(client.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0) {
    client.reset();
  }
  return client;
}

std::uint16_t port_of(BorrowedFd socket) {
  return ntohs(address_of(socket).sin_port);
}

}  // namespace perchild::fuzz
