#include "privsep/spawn.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "privsep/cgroup.h"
#include "privsep/child_namespaces.h"

#ifndef SYS_execveat
#error "execveat(2) is needed"
#endif

namespace perchild {
namespace {

constexpr int exec_failed = 127;

// Before the ids, with the master's right to move processes. By writing, not by CLONE_INTO_CGROUP:
// a filter cannot see clone3's flags, among which are those for namespaces.
Result<void> enter(const SpawnPlan& plan, NamespaceGate* gate) {
  if (gate != nullptr) return gate->wait_for_parent();
  return plan.cgroup ? join_cgroup(*plan.cgroup) : Result<void>();
}

[[noreturn]] void become_child(const SpawnPlan& plan, NamespaceGate* gate) {
  // The master's stderr, above all places, for the case that something below fails.
  const int report = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 1000);
  reset_signals();
  // Away from the terminal that the service may run in: its Ctrl-C is for the master alone.
  ::setsid();
  SysError error;
  if (auto entered = enter(plan, gate); !entered) {
    error = entered.error();
  } else if (auto dropped = drop_to_identity(plan.role, plan.identity); !dropped) {
    error = dropped.error();
  } else {
    std::vector<PlacedFd> fds = plan.fds;
    const int executable = static_cast<int>(fds.size());
    fds.push_back({plan.executable, executable});
    if (auto placed = place_fds(fds); !placed) {
      error = placed.error();
    } else {
      ::fcntl(executable, F_SETFD, FD_CLOEXEC);
      error = execute(BorrowedFd(executable), plan.title, plan.environment);
    }
  }
  const std::string line =
      "<3>perchild-master: start of " + plan.title + ": " + error.text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(report, line.data(), line.size());
  ::_exit(exec_failed);
}

}  // namespace

SysError execute(BorrowedFd executable, const std::string& title,
                 const std::vector<std::string>& environment) {
  std::vector<char*> variables;
  for (const std::string& variable : environment) {
    variables.push_back(const_cast<char*>(variable.c_str()));
  }
  variables.push_back(nullptr);
  char* const arguments[] = {const_cast<char*>(title.c_str()), nullptr};
  ::syscall(SYS_execveat, executable.get(), "", arguments, variables.data(), AT_EMPTY_PATH);
  return SysError::from_errno("execveat", title);
}

Result<SpawnedProcess> spawn(const SpawnPlan& plan) {
  std::optional<NamespaceGate> gate;
  if (policy_of(plan.role).own_namespaces) {
    auto made = NamespaceGate::make();
    if (!made) return failure(made.error());
    gate.emplace(std::move(*made));
  }
  const ::pid_t pid = gate ? fork_into_own_namespaces() : ::fork();
  if (pid < 0) return failure_from_errno("fork", plan.title);
  if (pid == 0) become_child(plan, gate ? &*gate : nullptr);
  if (gate) {
    // A child that is not let through ends by itself.
    if (auto through = gate->let_through(pid, plan.identity, plan.cgroup); !through) {
      return failure(through.error());
    }
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // The child without a handle ends by itself: its control channel goes with this failure.
  if (!pidfd.has_value()) return failure_from_errno("pidfd_open", plan.title);
  return SpawnedProcess{pid, std::move(pidfd)};
}

}  // namespace perchild
