#include "daemon/command/upgrade/successor.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "daemon/command/serve/serve.h"
#include "privsep/channel.h"

namespace perchild {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int exit_refused = 1;
constexpr std::chrono::minutes start_patience{5};

}  // namespace

Result<Successor> start_successor(Configuration& configuration, Inheritance inherited,
                                  const ServerLog& log) {
  // Of a kind that its master tells from a service manager's.
  auto pair = make_channel_pair();
  if (!pair) return failure(pair.error());
  const ::pid_t pid = ::fork();
  if (pid < 0) return failure_from_errno("fork");
  if (pid == 0) {
    pair->first.reset();
    ::setsid();
    inherited.notify = std::move(pair->second);
    log.line(Priority::error, start_service(configuration, std::move(inherited), log).text());
    ::_exit(exit_refused);
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.has_value()) {
    const auto error = failure_from_errno("pidfd_open");
    ::kill(pid, SIGKILL);  // not reaped yet, so the number is its own
    return error;
  }
  return Successor{pid, std::move(pidfd), std::move(pair->first)};
}

bool serves(const Successor& successor) {
  const auto until = Clock::now() + start_patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    std::array<::pollfd, 2> polled{
        {{successor.notify.get(), POLLIN, 0}, {successor.pidfd.get(), POLLIN, 0}}};
    const int ready =
        left.count() > 0 ? ::poll(polled.data(), polled.size(), static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || polled[1].revents != 0) return false;
    std::array<char, 256> state;
    const ssize_t got = ::recv(successor.notify.get(), state.data(), state.size(), MSG_DONTWAIT);
    if (got == 0) return false;
    if (got > 0 && std::string_view(state.data(), static_cast<std::size_t>(got)) == "READY=1") {
      return true;
    }
  }
}

void end_successor(const Successor& successor) {
  ::syscall(SYS_pidfd_send_signal, successor.pidfd.get(), SIGKILL, nullptr, 0);
  while (::waitpid(successor.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace perchild
