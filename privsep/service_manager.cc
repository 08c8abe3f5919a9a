#include "privsep/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace perchild {

Result<UniqueFd> connect_service_manager(const char* notify_socket) {
  if (notify_socket == nullptr || *notify_socket == '\0') return UniqueFd();
  const std::string_view path = notify_socket;
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((path.front() != '/' && path.front() != '@') || path.size() >= sizeof address.sun_path) {
    return failure({"connect", std::string("NOTIFY_SOCKET ") + notify_socket, EINVAL});
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // unix(7): an abstract name
  const auto length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.has_value()) return failure_from_errno("socket", "NOTIFY_SOCKET");
  if (::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), length) != 0) {
    return failure_from_errno("connect", notify_socket);
  }
  return socket;
}

void tell_service_manager(BorrowedFd socket, std::string_view state) {
  [[maybe_unused]] const ssize_t sent =
      ::send(socket.get(), state.data(), state.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace perchild
