// A server that a user runs himself, at a socket that everybody may connect to.
#pragma once

#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

#include "test/system/requests.h"

namespace perchild::test {

class UsersServer {
 public:
  // `serve`, under `uid`, makes the socket whose path it is given; it does not return unless it
  // fails.
  UsersServer(::uid_t uid, const std::function<void(const std::string& socket)>& serve) {
    std::string folder = "/run/perchild-test-XXXXXX";  // a site's programs have a /tmp of their own
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = folder;
    ::chmod(folder.c_str(), 0777);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::umask(0);
      if (::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
          ::setresuid(uid, uid, uid) == 0) {
        serve(socket());
      }
      ::_exit(127);
    }
    if (!eventually([&] { return std::filesystem::exists(socket()); })) {
      throw std::runtime_error("a user's server does not listen");
    }
  }
  ~UsersServer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  UsersServer(const UsersServer&) = delete;
  UsersServer& operator=(const UsersServer&) = delete;

  std::string socket() const { return folder_ + "/socket"; }

 private:
  std::string folder_;
  ::pid_t pid_ = 0;
};

}  // namespace perchild::test
