#include "daemon/runner/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace perchild {
namespace {

// False if the path is too long.
bool fill(::sockaddr_un& address, const std::string& path) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

const ::sockaddr* generic(const ::sockaddr_un& address) {
  return reinterpret_cast<const ::sockaddr*>(&address);
}

}  // namespace

std::string SocketFolder::next_path() {
  return std::string(path) + "/" + std::to_string(++made_);
}

Result<UniqueFd> listen_at(const std::string& path, int backlog) {
  ::sockaddr_un address{};
  if (!fill(address, path)) return failure({"listen", path, ENAMETOOLONG});
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.has_value()) return failure_from_errno("socket");
  if (::bind(socket.get(), generic(address), sizeof address) != 0) {
    return failure_from_errno("bind", path);
  }
  if (::listen(socket.get(), backlog) != 0) return failure_from_errno("listen", path);
  return socket;
}

Result<UniqueFd> connect_to(const std::string& path) {
  ::sockaddr_un address{};
  if (!fill(address, path)) return failure({"connect", path, ENAMETOOLONG});
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.has_value()) return failure_from_errno("socket");
  if (::connect(socket.get(), generic(address), sizeof address) != 0) {
    return failure_from_errno("connect", path);
  }
  return socket;
}

Result<ConnectedPair> make_connected_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return failure_from_errno("socketpair");
  }
  ConnectedPair pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  // Of this end alone.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return failure_from_errno("F_SETFL");
  return pair;
}

}  // namespace perchild
