#include "daemon/command/serve/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/command/serve/passed_ports.h"

namespace perchild {
namespace {

constexpr int backlog = 4096;  // the kernel cuts it to net.core.somaxconn

bool set_option(BorrowedFd socket, int level, int name, int value) {
  return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

// NODELAY is passed on to accepted sockets: a response leaves at once, without a call for each.
// DEFER_ACCEPT: who says nothing does not wake a router.
bool set_lasting_options(BorrowedFd socket, std::chrono::milliseconds head_deadline) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(head_deadline).count();
  return set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1) &&
         set_option(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, static_cast<int>(seconds));
}

Result<UniqueFd> bind_one(const Listener& listener, std::chrono::milliseconds head_deadline) {
  const ::sockaddr_storage& storage = listener.address.storage;
  UniqueFd socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.has_value()) return failure_from_errno("socket", listener.text);
  const BorrowedFd fd = socket.borrow();
  if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set_lasting_options(fd, head_deadline) ||
      (storage.ss_family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))) {
    return failure_from_errno("setsockopt", listener.text);
  }
  if (::bind(fd.get(), reinterpret_cast<const ::sockaddr*>(&storage), listener.address.length()) !=
      0) {
    return failure_from_errno("bind", listener.text);
  }
  if (::listen(fd.get(), backlog) != 0) return failure_from_errno("listen", listener.text);
  return socket;
}

bool kernel_lacks_family(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

std::optional<UniqueFd> take_bound(std::vector<UniqueFd>& sockets, const std::string& address) {
  const auto found = std::find_if(sockets.begin(), sockets.end(), [&](const UniqueFd& socket) {
    return bound_address_of(socket.borrow()) == address;
  });
  if (found == sockets.end()) return std::nullopt;
  UniqueFd socket = std::move(*found);
  sockets.erase(found);
  return socket;
}

}  // namespace

std::string bound_address_of(BorrowedFd socket) {
  ListenAddress address;
  ::socklen_t length = sizeof address.storage;
  auto* const storage = reinterpret_cast<::sockaddr*>(&address.storage);
  if (::getsockname(socket.get(), storage, &length) != 0) return {};
  return text_of(address);
}

std::vector<std::string> bound_addresses_of(const std::vector<UniqueFd>& sockets) {
  std::vector<std::string> addresses;
  for (const UniqueFd& socket : sockets) {
    std::string address = bound_address_of(socket.borrow());
    if (!address.empty()) addresses.push_back(std::move(address));
  }
  return addresses;
}

std::string text_of(const ListenAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (address.storage.ss_family == AF_INET) {
    ::sockaddr_in v4;
    std::memcpy(&v4, &address.storage, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    return std::string(host.data()) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.storage.ss_family != AF_INET6) return {};
  ::sockaddr_in6 v6;
  std::memcpy(&v6, &address.storage, sizeof v6);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
  return "[" + std::string(host.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

Result<std::optional<UniqueFd>> bind_listener(const Listener& listener,
                                              std::chrono::milliseconds head_deadline) {
  auto socket = bind_one(listener, head_deadline);
  if (socket) return std::optional(std::move(*socket));
  if (listener.optional_family && kernel_lacks_family(socket.error().error)) {
    return std::optional<UniqueFd>();
  }
  return failure(socket.error());
}

Result<std::vector<UniqueFd>> bind_listeners(std::vector<Listener>& listeners,
                                             std::chrono::milliseconds head_deadline,
                                             Inheritance& from, bool binds_ports) {
  std::vector<UniqueFd> sockets;
  std::vector<Listener> bound;
  std::vector<const Listener*> lacking;
  const bool any_is_passed = !from.passed.empty();
  for (Listener& listener : listeners) {
    const std::string address = text_of(listener.address);
    auto found = take_bound(from.passed, address);
    if (!found) found = take_bound(from.listeners, address);
    if (!found && !binds_ports) {
      if (!is_beyond_kernel(listener)) lacking.push_back(&listener);
      continue;
    }
    if (found && !set_lasting_options(found->borrow(), head_deadline)) {
      return failure_from_errno("setsockopt", listener.text);
    }
    auto socket = found ? Result<std::optional<UniqueFd>>(std::move(found))
                        : bind_listener(listener, head_deadline);
    if (!socket) return failure(socket.error());
    if (!*socket) continue;
    sockets.push_back(std::move(**socket));
    bound.push_back(std::move(listener));
  }
  if (auto error = why_not_served(lacking, any_is_passed)) return failure(std::move(*error));
  listeners = std::move(bound);
  return sockets;
}

}  // namespace perchild
