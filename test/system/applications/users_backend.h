// What a user runs himself, at a socket that everybody may connect to: it speaks HTTP, and shows
// whatever file is asked for, as "?file=PATH".
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "privsep/unique_fd.h"
#include "test/system/users_server.h"

namespace perchild::test {

class UsersBackend : public UsersServer {
 public:
  explicit UsersBackend(::uid_t uid) : UsersServer(uid, serve) {}

 private:
  static void serve(const std::string& socket) {
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
    ::sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string early = socket + "-";
    early.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(listener.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), 8) != 0 || ::rename(early.c_str(), socket.c_str()) != 0) {
      return;
    }
    for (;;) {
      const UniqueFd peer(::accept(listener.get(), nullptr, nullptr));
      char bytes[4096];
      const ssize_t got = ::read(peer.get(), bytes, sizeof bytes);
      if (got <= 0) continue;
      const std::string asked(bytes, static_cast<std::size_t>(got));
      const std::string shown = read_file(between(asked, "?file=", " "));
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(shown.size()) + "\r\n\r\n" + shown;
      static_cast<void>(::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
    }
  }
};

}  // namespace perchild::test
