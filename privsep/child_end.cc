#include "privsep/child_end.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace perchild {
namespace {

std::chrono::microseconds duration_of(const ::timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

void kill_child(BorrowedFd pidfd) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

std::optional<EndedChild> reap_child() {
  ::siginfo_t info{};
  ::rusage used{};
  // The C library's waitid(3) leaves out the last argument.
  if (::syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG, &used) != 0 || info.si_pid == 0) {
    return std::nullopt;
  }
  return EndedChild{info.si_pid, info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status,
                    duration_of(used.ru_utime) + duration_of(used.ru_stime)};
}

}  // namespace perchild
