#include "daemon/command/exporter/door.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "policy/configuration_listeners.h"

namespace perchild {
namespace {

constexpr int backlog = 64;
constexpr std::uint32_t loopback_network = 127;

bool is_loopback(const ::sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    ::sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == loopback_network;
  }
  ::sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

Result<UniqueFd> make_socket(int family) {
  UniqueFd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.has_value()) return failure_from_errno("socket");
  return socket;
}

Result<UniqueFd> listen_at_path(const std::string& path, ServiceIds owner) {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return failure({"bind", path, ENAMETOOLONG});
  path.copy(address.sun_path, path.size());
  auto socket = make_socket(AF_UNIX);
  if (!socket) return socket;
  // What an earlier exporter left; anything else than a socket stays.
  struct ::stat facts;
  if (::lstat(path.c_str(), &facts) == 0 && S_ISSOCK(facts.st_mode)) ::unlink(path.c_str());
  // Nobody else may connect before it has its owner.
  const ::mode_t before = ::umask(0177);
  const int bound =
      ::bind(socket->get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0) return failure_from_errno("bind", path);
  if (::chmod(path.c_str(), 0660) != 0 ||
      ::lchown(path.c_str(), owner.uid.value, owner.gid.value) != 0) {
    return failure_from_errno("chown", path);
  }
  if (::listen(socket->get(), backlog) != 0) return failure_from_errno("listen", path);
  return socket;
}

}  // namespace

Result<UniqueFd> open_door(const std::string& listen, ServiceIds owner) {
  if (listen.starts_with('/')) return listen_at_path(listen, owner);
  const ParsedAddress parsed = parse_listen_address(listen);
  if (parsed.addresses.size() != 1) return failure({"listen", listen + ": no address", 0});
  const ListenAddress& address = parsed.addresses.front();
  // Whom the sites' users may read of is for a loopback address hard enough to say.
  if (!is_loopback(address.storage)) {
    return failure({"listen", listen + ": not an address of this machine alone (127.0.0.1)", 0});
  }
  auto socket = make_socket(address.storage.ss_family);
  if (!socket) return socket;
  const int yes = 1;
  ::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket->get(), reinterpret_cast<const ::sockaddr*>(&address.storage),
             address.length()) != 0) {
    return failure_from_errno("bind", listen);
  }
  if (::listen(socket->get(), backlog) != 0) return failure_from_errno("listen", listen);
  return socket;
}

}  // namespace perchild
