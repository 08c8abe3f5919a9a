// As much of systemd as a service sees: where it says how it is, what it has stored, and sockets
// that are passed to it.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <map>
#include <span>
#include <stdexcept>
#include <string>

#include "privsep/fd_passing.h"
#include "test/support/matches.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

// In a new process, before it becomes the service: by their names, several of which may be one.
inline void pass_sockets(const std::multimap<std::string, BorrowedFd>& sockets) {
  int number = 3;
  std::string names;
  for (const auto& [name, fd] : sockets) {
    names += (names.empty() ? "" : ":") + name;
    // Which may have a number that another is to get.
    if (::dup2(::fcntl(fd.get(), F_DUPFD, 100), number++) < 0) ::_exit(98);
  }
  ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
}

class ServiceManager {
 public:
  ServiceManager() : path_(folder_.path() + "/notify") {
    socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(socket_.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("bind");
    }
  }
  const std::string& path() const { return path_; }

  // Takes what has been said; whether that was `state`, so many times.
  bool has_heard(const std::string& state, std::size_t times = 1) {
    for (;;) {
      std::array<std::byte, 4096> bytes;
      ReceivedBytes got = receive_with_fds(socket_.borrow(), bytes);
      if (got.status != ReceiveStatus::message) return count_of(heard_, state) >= times;
      const std::string text(reinterpret_cast<const char*>(bytes.data()), got.length);
      heard_ += text + "\n";
      constexpr std::string_view key = "FDNAME=";
      if (got.fd_count == 1) {
        stored_[text.substr(text.find(key) + key.size())] = std::move(got.fds[0]);
      }
    }
  }
  std::size_t stored() const { return stored_.size(); }

  // In a new process, as the service's next start finds things.
  void pass_what_is_stored() const {
    std::multimap<std::string, BorrowedFd> sockets;
    for (const auto& [name, fd] : stored_) sockets.emplace(name, fd.borrow());
    pass_sockets(sockets);
    ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  }

 private:
  TemporaryDirectory folder_;
  std::string path_;
  UniqueFd socket_;
  std::string heard_;
  std::map<std::string, UniqueFd> stored_;
};

}  // namespace perchild::test
