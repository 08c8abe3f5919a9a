#include "test/support/in_child.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "privsep/unique_fd.h"

namespace perchild::test {
namespace {

constexpr int child_deadline_ms = 30'000;

}  // namespace

ChildEnd in_child(const std::function<int()>& body) {
  std::fflush(nullptr);
  const ::pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) {
    const int status = body();
    std::fflush(nullptr);
    ::_exit(status);
  }
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ::pollfd polled{pidfd.get(), POLLIN, 0};
  if (::poll(&polled, 1, child_deadline_ms) != 1) ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? ChildEnd{true, WEXITSTATUS(status)}
                           : ChildEnd{false, WTERMSIG(status)};
}

ChildEnd in_child_as(::uid_t uid, ::gid_t gid, const std::function<int()>& body) {
  return in_child([&] {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 ||
        ::setresuid(uid, uid, uid) != 0) {
      return 99;
    }
    return body();
  });
}

}  // namespace perchild::test
