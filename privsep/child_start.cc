#include "privsep/child_start.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace perchild {

std::vector<int> changed_signals() {
  std::vector<int> changed;
  struct ::sigaction action {};
  for (int number = 1; number < NSIG; ++number) {
    // libc's own are not told of.
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_DFL) {
      changed.push_back(number);
    }
  }
  return changed;
}

void reset_signals(std::span<const int> changed) {
  struct ::sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int number : changed) ::sigaction(number, &standard, nullptr);
  ::sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

Result<void> place_fds(const std::vector<PlacedFd>& fds) {
  const int count = static_cast<int>(fds.size());
  // Out of the way first: a source may stand where another one is to go.
  std::vector<UniqueFd> copies;
  for (const PlacedFd& placed : fds) {
    UniqueFd copy(::fcntl(placed.fd.get(), F_DUPFD_CLOEXEC, count));
    if (!copy.has_value()) return failure_from_errno("dup", std::to_string(placed.number));
    copies.push_back(std::move(copy));
  }
  for (std::size_t i = 0; i < fds.size(); ++i) {
    // dup2 leaves FD_CLOEXEC off: from here on it survives the exec.
    if (::dup2(copies[i].get(), fds[i].number) < 0) {
      return failure_from_errno("dup2", std::to_string(fds[i].number));
    }
  }
  // CLOEXEC, not closed: what a failing exec still has to say needs stderr's copy.
  if (::syscall(SYS_close_range, static_cast<unsigned>(count), ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return failure_from_errno("close_range");
  }
  return {};
}

}  // namespace perchild
