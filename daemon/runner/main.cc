// perchild-runner: starts the programs of one site, under the site's uid, as PID 1 of namespaces of
// the site's own. The only process of a site that may exec; its end is the end of all of them.
//
// Runs in: runner.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h).
// Does not trust: its site's workers, which read the network; programs.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/runner/private_view.h"
#include "daemon/runner/program_paths.h"
#include "daemon/runner/runner_loop.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

constexpr int exit_cannot_start = 3;
constexpr std::uint32_t most_processes = 512;  // where the site has no limit of its own

Result<UniqueFd> take_signals() {
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return failure_from_errno("sigprocmask");
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.has_value()) return failure_from_errno("signalfd");
  return signals;
}

// Where the site's memory is short, its programs are to end before its workers.
Result<void> offer_itself_first() {
  const char* const path = "/proc/self/oom_score_adj";
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file.has_value()) return failure_from_errno("open", path);
  if (::write(file.get(), "500", 3) != 3) return failure_from_errno("write", path);
  return {};
}

Result<int> run() {
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  if (!packed) return failure(packed.error());
  auto settings = RunnerSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the runner's settings", 0});
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!filter) return failure(filter.error());
  auto signals = take_signals();
  if (!signals) return failure(signals.error());
  logs::LogClock::load();
  if (auto offered = offer_itself_first(); !offered) return failure(offered.error());
  if (auto made = make_private_view(*settings); !made) return failure(made.error());
  const ProgramPaths paths(*settings);
  auto root = open_docroot(settings->root);
  if (!root) return failure(root.error());

  PermittedPorts connect = settings->connect_ports;
  // Where Landlock is required the lock-down fails instead.
  const bool connects_anywhere =
      connect && settings->landlock == Requirement::if_available && !landlock_knows_ports();
  if (connects_anywhere) connect.reset();
  const std::uint32_t processes = settings->quota.processes;
  const auto proof =
      lock_down<Role::runner>({.filter = filter->bytes(),
                               .landlock = settings->landlock,
                               .memory = settings->quota.memory,
                               .processes = processes != 0 ? processes : most_processes,
                               .programs_use = paths.permitted(),
                               .programs_connect = connect});
  if (!proof) return failure(proof.error());
  Channel<Runner, Master> master{UniqueFd(ChildFds::control)};
  if (master.send(LockDownComplete{static_cast<std::uint32_t>(::getpid())}) != SendStatus::sent) {
    return failure({"tell", "the master that the lock-down is complete", 0});
  }
  RunnerLoop loop(*proof, std::move(master), std::move(*signals), *settings, std::move(*root));
  for (const std::string& complaint : paths.complaints()) loop.complain(complaint);
  if (connects_anywhere) loop.complain("programs connect to any port: less takes Linux 6.7");
  return loop.run();
}

}  // namespace
}  // namespace perchild

int main() {
  ::prctl(PR_SET_NAME, "perchild-runner");
  const auto status = perchild::run();
  if (status) return *status;
  // stderr is the site's error log.
  const std::string line = "[error] perchild-runner: " + status.error().text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
  return perchild::exit_cannot_start;
}
