#include "privsep/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "privsep/fd_passing.h"

namespace perchild {
namespace {

constexpr int first_passed = 3;  // SD_LISTEN_FDS_START
constexpr std::uint32_t most_passed = 4096;

constexpr std::string_view prefix_of_stored = "listen-";  // no name of a unit that has sockets

// A name of a stored descriptor has no colons (sd_pid_notify_with_fds(3)).
std::string stored_name_of(std::string address) {
  std::replace(address.begin(), address.end(), ':', '_');
  return std::string(prefix_of_stored) + address;
}

std::uint32_t number_of(const char* text) {
  std::uint32_t number = 0;
  if (text == nullptr) return 0;
  const char* const end = text + std::strlen(text);
  const auto read = std::from_chars(text, end, number);
  return read.ec == std::errc() && read.ptr == end ? number : 0;
}

}  // namespace

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

bool is_service_manager(BorrowedFd notify) {
  int type = 0;
  ::socklen_t length = sizeof type;
  return ::getsockopt(notify.get(), SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

bool store_listener(BorrowedFd socket, const std::string& address, BorrowedFd listener) {
  const std::string state = "FDSTORE=1\nFDNAME=" + stored_name_of(address);
  return send_with_fds(socket, std::as_bytes(std::span(state)), std::span(&listener, 1)) ==
         SendStatus::sent;
}

void forget_listener(BorrowedFd socket, const std::string& address) {
  tell_service_manager(socket, "FDSTOREREMOVE=1\nFDNAME=" + stored_name_of(address));
}

PassedListeners take_passed_listeners(const char* pid, const char* count, const char* names) {
  PassedListeners passed;
  if (number_of(pid) != static_cast<std::uint32_t>(::getpid())) return passed;
  std::string_view left = names == nullptr ? "" : names;
  const std::uint32_t last = std::min(number_of(count), most_passed);
  for (std::uint32_t i = 0; i < last; ++i) {
    const std::string_view name = left.substr(0, left.find(':'));
    left.remove_prefix(std::min(name.size() + 1, left.size()));
    UniqueFd fd(first_passed + static_cast<int>(i));
    int accepting = 0;
    ::socklen_t length = sizeof accepting;
    // Each is taken, so that none is left open that nobody has asked for.
    const bool listens =
        ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) == 0 &&
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) == 0 &&
        accepting == 1 && ::fcntl(fd.get(), F_SETFL, O_RDWR | O_NONBLOCK) == 0;
    if (!listens) continue;
    (name.starts_with(prefix_of_stored) ? passed.stored : passed.bound).push_back(std::move(fd));
  }
  return passed;
}

}  // namespace perchild
