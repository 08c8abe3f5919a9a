#include "daemon/runner/runner_start.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/runner/private_view.h"
#include "daemon/runner/program_paths.h"
#include "daemon/runner/runner_loop.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

constexpr std::uint32_t most_processes = 512;  // where the site has no limit of its own

std::uint32_t processes_of(const RunnerSettings& settings) {
  return settings.quota.processes != 0 ? settings.quota.processes : most_processes;
}

// Although it is to do less. Where Landlock is required the lock-down fails instead.
bool connects_anywhere(const RunnerSettings& settings) {
  return settings.connect_ports && settings.landlock == Requirement::if_available &&
         !landlock_knows_ports();
}

// None where the kernel has no Landlock and that is permitted.
Result<UniqueFd> make_ruleset(const RunnerSettings& settings, const ProgramPaths& paths) {
  if (landlock_abi() == 0 && settings.landlock == Requirement::if_available) return UniqueFd();
  return make_ruleset_of_programs(paths.permitted(), connects_anywhere(settings)
                                                         ? PermittedPorts()
                                                         : PermittedPorts(settings.connect_ports));
}

// None of what is empty.
Result<UniqueFd> sealed(const std::string& filter) {
  return filter.empty() ? UniqueFd() : make_sealed_memory("filter", filter);
}

// What it has loaded becomes the site's as it does itself. It says so when that is done; what it is
// asked for until then waits in its socket. The number of the program that it is; nullopt if the
// site has no use for it.
std::optional<std::uint32_t> adopt(LoadedProgram& loaded, const RunnerSettings& settings,
                                   const UniqueFd& ruleset) {
  const auto program =
      std::find_if(settings.programs.begin(), settings.programs.end(),
                   [&](const ProgramSettings& each) { return loaded.settings.is_good_for(each); });
  if (program == settings.programs.end()) return std::nullopt;
  const auto directory = open_directory(program->directory);
  if (!directory) return std::nullopt;
  const auto filter = sealed(settings.filter);
  const auto refusals = sealed(settings.refusals);
  if (!filter || !refusals) return std::nullopt;
  const AdoptionPlace place{processes_of(settings), settings.quota.memory};
  const bool is_told =
      loaded.server.adopt(place,
                          {.directory = directory->borrow(),
                           .cgroup_procs = loaded.cgroup_procs.borrow(),
                           .filter = filter->borrow_if_any().value_or(BorrowedFd(ChildFds::filter)),
                           .refusals = refusals->borrow_if_any(),
                           .ruleset = ruleset.borrow_if_any()},
                          Clock::now());
  if (!is_told) return std::nullopt;
  return static_cast<std::uint32_t>(std::distance(settings.programs.begin(), program));
}

}  // namespace

Result<UniqueFd> take_signals() {
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return failure_from_errno("sigprocmask");
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.has_value()) return failure_from_errno("signalfd");
  return signals;
}

Result<void> offer_itself_first() {
  const char* const path = "/proc/self/oom_score_adj";
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file.has_value()) return failure_from_errno("open", path);
  if (::write(file.get(), "500", 3) != 3) return failure_from_errno("write", path);
  return {};
}

Result<int> run_runner(UniqueFd signals, std::optional<LoadedProgram> loaded) {
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  if (!packed) return failure(packed.error());
  auto settings = RunnerSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the runner's settings", 0});
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!filter) return failure(filter.error());
  logs::LogClock::load();
  if (!loaded) {
    if (auto made = make_private_view(*settings); !made) return failure(made.error());
  }
  const ProgramPaths paths(*settings);
  auto root = open_directory(settings->root);
  if (!root) return failure(root.error());
  auto ruleset = make_ruleset(*settings, paths);
  if (!ruleset) return failure(ruleset.error());
  // Behind the view, in which it looks at itself.
  const bool was_spare = loaded.has_value();
  const auto adopted = was_spare ? adopt(*loaded, *settings, *ruleset) : std::nullopt;
  if (!adopted) loaded.reset();  // what nobody takes ends with its socket

  const auto proof = lock_down<Role::runner>(
      {.filter = settings->filter.empty() ? filter->bytes() : settings->filter,
       .landlock = settings->landlock,
       .memory = settings->quota.memory,
       .processes = processes_of(*settings),
       .programs_ruleset = ruleset->borrow_if_any(),
       .reach_is_restricted = was_spare});
  if (!proof) return failure(proof.error());
  Channel<Runner, Master> master{UniqueFd(ChildFds::control)};
  if (master.send(LockDownComplete{static_cast<std::uint32_t>(::getpid())}) != SendStatus::sent) {
    return failure({"tell", "the master that the lock-down is complete", 0});
  }
  RunnerLoop loop(*proof, std::move(master), std::move(signals), *settings, std::move(*root),
                  std::move(*ruleset));
  for (const std::string& complaint : paths.complaints()) loop.complain(complaint);
  if (connects_anywhere(*settings)) {
    loop.complain("programs connect to any port: less takes Linux 6.7");
  }
  if (adopted) loop.take(*adopted, std::move(*loaded));
  return loop.run();
}

}  // namespace perchild
