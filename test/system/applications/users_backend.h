// What a user runs himself, at a socket that everybody may connect to: it speaks HTTP, and shows
// whatever file is asked for, as "?file=PATH".
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "privsep/unique_fd.h"
#include "test/system/requests.h"

namespace perchild::test {

class UsersBackend {
 public:
  explicit UsersBackend(::uid_t uid) {
    std::string folder = "/run/perchild-test-XXXXXX";  // a site's programs have a /tmp of their own
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = folder;
    ::chmod(folder.c_str(), 0777);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::umask(0);
      if (::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
          ::setresuid(uid, uid, uid) == 0) {
        serve();
      }
      ::_exit(127);
    }
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(socket()); }));
  }
  ~UsersBackend() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  UsersBackend(const UsersBackend&) = delete;
  UsersBackend& operator=(const UsersBackend&) = delete;
  std::string socket() const { return folder_ + "/socket"; }

 private:
  void serve() const {
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
    ::sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string early = socket() + "-";
    early.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(listener.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), 8) != 0 || ::rename(early.c_str(), socket().c_str()) != 0) {
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

  std::string folder_;
  ::pid_t pid_ = 0;
};

}  // namespace perchild::test
