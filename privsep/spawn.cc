#include "privsep/spawn.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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
  if (plan.drops_after_exec) return {};
  return plan.cgroup ? join_cgroup(*plan.cgroup) : Result<void>();
}

SysError exec(int executable, const std::string& title, const std::vector<char*>& variables) {
  char* const arguments[] = {const_cast<char*>(title.c_str()), nullptr};
  ::syscall(SYS_execveat, executable, "", arguments, variables.data(), AT_EMPTY_PATH);
  return SysError::from_errno("execveat", title);
}

// All that the child needs besides system calls. Between vfork and exec memory is the master's own,
// and what is allocated there stays allocated.
struct Start {
  explicit Start(const SpawnPlan& what)
      : plan(what),
        executable(static_cast<int>(what.fds.size())),
        fds(what.fds),
        variables(pointers_to(what.environment)) {
    fds.push_back({plan.executable, executable});
  }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;

  const SpawnPlan& plan;
  const std::vector<int> signals = changed_signals();
  const int executable;  // the child's number for it
  std::vector<PlacedFd> fds;
  std::vector<char*> variables;
  std::optional<NamespaceGate> gate{};
  SysError error{};  // of a child that is on the master's memory
};

// Returns only to say why not.
SysError become_child(Start& start) {
  const SpawnPlan& plan = start.plan;
  reset_signals(start.signals);
  // Away from the terminal that the service may run in: its Ctrl-C is for the master alone.
  ::setsid();
  if (auto entered = enter(plan, start.gate ? &*start.gate : nullptr); !entered) {
    return entered.error();
  }
  auto dropped = plan.drops_after_exec ? keep_what_a_drop_needs(plan.role)
                                       : drop_to_identity(plan.role, plan.identity);
  if (!dropped) return dropped.error();
  if (auto placed = place_fds(start.fds); !placed) return placed.error();
  ::fcntl(start.executable, F_SETFD, FD_CLOEXEC);
  return exec(start.executable, plan.title, start.variables);
}

[[noreturn]] void run_forked_child(Start& start) {
  // The master's stderr, above all places, for the case that something below fails.
  const int report = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 1000);
  const SysError error = become_child(start);
  const std::string line =
      "<3>perchild-master: start of " + start.plan.title + ": " + error.text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(report, line.data(), line.size());
  ::_exit(exec_failed);
}

::pid_t fork_for(const Start& start) {
  const Identity& identity = start.plan.identity;
  if (!start.gate) return ::fork();
  if (!policy_of(start.plan.role).ids_come_later) return fork_into_own_namespaces();
  return fork_into_own_namespaces_as({identity.uid, identity.gid});
}

::pid_t start_on_own_memory(Start& start) {
  const ::pid_t pid = fork_for(start);
  if (pid == 0) run_forked_child(start);
  return pid;
}

// Returns when the child has become its executable, or has ended with an error in `start`.
::pid_t start_on_masters_memory(Start& start) {
  const ::pid_t pid = ::vfork();
  if (pid != 0) return pid;
  start.error = become_child(start);
  ::_exit(exec_failed);
}

}  // namespace

SysError execute(BorrowedFd executable, const std::string& title,
                 const std::vector<std::string>& environment) {
  return exec(executable.get(), title, pointers_to(environment));
}

Result<SpawnedProcess> spawn(const SpawnPlan& plan) {
  Start start(plan);
  if (policy_of(plan.role).own_namespaces) {
    auto made = NamespaceGate::make();
    if (!made) return failure(made.error());
    start.gate.emplace(std::move(*made));
  }
  const ::pid_t pid =
      plan.drops_after_exec ? start_on_masters_memory(start) : start_on_own_memory(start);
  if (pid < 0) return failure_from_errno("fork", plan.title);
  if (!start.error.operation.empty()) {
    ::waitpid(pid, nullptr, 0);  // it has ended: nobody need hear of it
    return failure(start.error);
  }
  std::optional<IdMapFiles> id_maps;
  // A child that is not let through ends by itself.
  if (start.gate && policy_of(plan.role).ids_come_later) {
    auto maps = start.gate->let_through_without_ids(pid, plan.identity.uid);
    if (!maps) return failure(maps.error());
    id_maps.emplace(std::move(*maps));
  } else if (start.gate) {
    if (auto through = start.gate->let_through(pid, plan.identity, plan.cgroup); !through) {
      return failure(through.error());
    }
  }
  // Not before its exec: a group that has used up its share of the processor holds up who is in it,
  // and the master with him.
  if (plan.drops_after_exec && plan.cgroup) {
    if (auto moved = move_to_cgroup(*plan.cgroup, pid); !moved) return failure(moved.error());
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // The child without a handle ends by itself: its control channel goes with this failure.
  if (!pidfd.has_value()) return failure_from_errno("pidfd_open", plan.title);
  return SpawnedProcess{pid, std::move(pidfd), std::move(id_maps)};
}

}  // namespace perchild
