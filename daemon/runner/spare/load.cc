#include "daemon/runner/spare/load.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/runner/program_start.h"
#include "policy/role_policy.h"
#include "privsep/capabilities.h"
#include "privsep/landlock.h"
#include "privsep/lock_down.h"

namespace perchild {
namespace {

constexpr int load_timeout_ms = 15'000;

// The program takes the ids that come to be in its namespace later, and nothing else.
Result<StartedProgram> start_interpreter(const SpareSettings& settings, BorrowedFd control) {
  constexpr CapabilityMask to_take_ids = CapabilityMask{1} << CAP_SETUID | CapabilityMask{1}
                                                                               << CAP_SETGID;
  if (auto passed = pass_on_capabilities(to_take_ids); !passed) return failure(passed.error());
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.has_value()) return failure_from_errno("open", "/");
  // Where a FastCGI program looks for its listener (getpeername(2) fails), and never needs one.
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener.has_value()) return failure_from_errno("socket");
  return start_program({.command = settings.command,
                        .environment = with_environment({"LD_PRELOAD=" + settings.fork_server,
                                                         std::string(spare_variable) + "=1"},
                                                        settings.environment),
                        .directory = root.borrow(),
                        .input = listener.borrow(),
                        .output = BorrowedFd(STDOUT_FILENO),
                        .fork_control = control});
}

}  // namespace

Result<void> wall_off(Requirement landlock) {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failure_from_errno("PR_SET_DUMPABLE");
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return failure_from_errno("PR_SET_PDEATHSIG");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failure_from_errno("PR_SET_NO_NEW_PRIVS");
  ::umask(0027);
  if (auto limited = limit_as(Role::runner); !limited) return limited;
  if (landlock_abi() == 0 && landlock == Requirement::if_available) return {};
  return restrict_reach_of_programs();
}

Result<LoadedProgram> load(SpareSettings settings) {
  LoadedProgram loaded;
  auto control = loaded.server.open();
  if (!control) return failure(control.error());
  auto started = start_interpreter(settings, control->borrow());
  if (!started) return failure(started.error());
  control->reset();
  // As its policy says, by which the master looks.
  if (auto r = pass_on_capabilities(policy_of(Role::spare).capabilities); !r) {
    return failure(r.error());
  }
  loaded.server.begin(started->pid, Clock::now());
  loaded.errors = std::move(started->errors);
  loaded.settings = std::move(settings);
  ::pollfd said{loaded.server.fd().get(), POLLIN, 0};
  ::poll(&said, 1, load_timeout_ms);
  const auto report = loaded.server.take_report();
  if (report && report->number == 0 && report->pid == started->pid) return loaded;
  return failure({"load", loaded.settings.command.front(), report ? report->error : 0});
}

}  // namespace perchild
