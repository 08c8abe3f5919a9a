#include "privsep/child_namespaces.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "policy/id_map.h"
#include "policy/role_policy.h"
#include "privsep/capabilities.h"
#include "privsep/cgroup.h"

namespace perchild {
namespace {

Result<void> write_map(::pid_t pid, const char* file, const IdMap& ids) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + file;
  const std::string text = ids.text();
  const UniqueFd map(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!map.has_value()) return failure_from_errno("open", path);
  // A map takes one write, all at once.
  if (::write(map.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return failure_from_errno("write", path);
  }
  return {};
}

bool send_byte(BorrowedFd to) {
  return ::write(to.get(), "", 1) == 1;
}

bool receive_byte(BorrowedFd from) {
  char byte;
  ssize_t got = 0;
  do {
    got = ::read(from.get(), &byte, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1;
}

}  // namespace

Result<NamespaceGate> NamespaceGate::make() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return failure_from_errno("socketpair");
  }
  return NamespaceGate(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

Result<void> NamespaceGate::wait_for_parent() {
  parent_end_.reset();
  // The master is not dumpable, and so is its copy: its maps would be root's to write. What
  // follows, the change of ids, takes this away again.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return failure_from_errno("PR_SET_DUMPABLE");
  if (!send_byte(child_end_.borrow()) || !receive_byte(child_end_.borrow())) {
    return failure({"wait", "for the ids of its own namespace", 0});
  }
  // Who begins a user namespace holds all capabilities in it, but none that is inheritable; and
  // once the bounding set is empty none can be made so, which the role's few at exec must be.
  const auto held = read_capabilities();
  return held ? keep_only_capabilities(held->permitted) : failure(held.error());
}

Result<void> NamespaceGate::let_through(::pid_t child, const Identity& identity,
                                        std::optional<BorrowedFd> cgroup) {
  child_end_.reset();
  if (!receive_byte(parent_end_.borrow())) return failure({"wait", "for a child's first step", 0});
  IdMap uids, gids;
  uids.add(identity.uid.value);
  gids.add(identity.gid.value);
  for (const Gid group : identity.groups) gids.add(group.value);
  if (auto written = write_map(child, "uid_map", uids); !written) return written;
  if (auto written = write_map(child, "gid_map", gids); !written) return written;
  if (auto moved = cgroup ? move_to_cgroup(*cgroup, child) : Result<void>(); !moved) return moved;
  if (!send_byte(parent_end_.borrow())) return failure_from_errno("write", "to a child");
  return {};
}

::pid_t fork_into_own_namespaces() {
  // The C library's clone(3) asks for a stack; a filter cannot see clone3's flags.
  return static_cast<::pid_t>(
      ::syscall(SYS_clone, own_namespaces_flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

Result<void> try_own_namespaces() {
  const ::pid_t child = fork_into_own_namespaces();
  if (child == 0) ::_exit(0);
  if (child < 0 || ::waitpid(child, nullptr, 0) != child) {
    return failure_from_errno("make", "namespaces of their own");
  }
  return {};
}

}  // namespace perchild
