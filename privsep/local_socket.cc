#include "privsep/local_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdio>
#include <cstring>

namespace perchild {
namespace {

constexpr int backlog = 64;

// Through /proc, because a path in sockaddr_un has 107 bytes at most and folders are deeper.
::sockaddr_un address_in(BorrowedFd directory, const std::string& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + name;
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  PERCHILD_ASSERT(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<UniqueFd> make_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.has_value()) return failure_from_errno("socket", "AF_UNIX");
  return socket;
}

bool connect_in(BorrowedFd socket, BorrowedFd directory, const std::string& name) {
  const ::sockaddr_un address = address_in(directory, name);
  return ::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) ==
         0;
}

// Under the folder's lock, so that of two that look at once one sees the other.
Result<void> check_nobody_listens(BorrowedFd directory, const std::string& full_name,
                                  const std::string& name) {
  auto socket = make_socket();
  if (!socket) return failure(socket.error());
  // EAGAIN: somebody listens, who is too busy to take the connection.
  if (connect_in(socket->borrow(), directory, name) || errno == EAGAIN) {
    return failure({"listen", full_name + ": a server runs there already", 0});
  }
  if (errno != ECONNREFUSED && errno != ENOENT) return failure_from_errno("connect", full_name);
  return {};
}

}  // namespace

Result<UniqueFd> listen_local(BorrowedFd directory, const std::string& path,
                              const std::string& name, unsigned mode) {
  const std::string full_name = path + "/" + name;
  if (::flock(directory.get(), LOCK_EX) != 0) return failure_from_errno("flock", path);
  if (auto nobody = check_nobody_listens(directory, full_name, name); !nobody) {
    return failure(nobody.error());
  }
  auto socket = make_socket();
  if (!socket) return socket;
  // Beside it first, so that it has its mode before anybody can connect.
  const std::string unfinished = name + ".unfinished";
  const ::sockaddr_un address = address_in(directory, unfinished);
  ::unlinkat(directory.get(), unfinished.c_str(), 0);
  if (::bind(socket->get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0) {
    return failure_from_errno("bind", full_name);
  }
  if (::fchmodat(directory.get(), unfinished.c_str(), mode, 0) != 0) {
    return failure_from_errno("chmod", full_name);
  }
  if (::listen(socket->get(), backlog) != 0) return failure_from_errno("listen", full_name);
  if (::renameat(directory.get(), unfinished.c_str(), directory.get(), name.c_str()) != 0) {
    return failure_from_errno("rename", full_name);
  }
  if (::flock(directory.get(), LOCK_UN) != 0) return failure_from_errno("flock", path);
  return socket;
}

Result<UniqueFd> connect_local(const std::string& path, const std::string& name) {
  const UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.has_value()) return failure_from_errno("open", path);
  auto socket = make_socket();
  if (!socket) return socket;
  if (!connect_in(socket->borrow(), directory.borrow(), name)) {
    return failure_from_errno("connect", path + "/" + name);
  }
  return socket;
}

Result<UniqueFd> accept_local(BorrowedFd listener) {
  UniqueFd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.has_value()) return failure_from_errno("accept");
  return connection;
}

Result<Uid> peer_uid(BorrowedFd connection) {
  ::ucred peer{};
  ::socklen_t length = sizeof peer;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    return failure_from_errno("SO_PEERCRED");
  }
  return Uid{peer.uid};
}

}  // namespace perchild
