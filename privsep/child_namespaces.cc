#include "privsep/child_namespaces.h"

#include <fcntl.h>
#include <grp.h>
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

Result<UniqueFd> open_map(::pid_t pid, const char* file) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + file;
  UniqueFd map(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!map.has_value()) return failure_from_errno("open", path);
  return map;
}

Result<IdMapFiles> open_maps(::pid_t pid) {
  auto uids = open_map(pid, "uid_map");
  if (!uids) return failure(uids.error());
  auto gids = open_map(pid, "gid_map");
  if (!gids) return failure(gids.error());
  return IdMapFiles{std::move(*uids), std::move(*gids)};
}

// A map takes one write, all at once.
Result<void> write_map(const UniqueFd& map, const IdMap& ids) {
  const std::string text = ids.text();
  if (::write(map.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return {};
  return failure_from_errno("write", "the ids of a namespace");
}

bool set_effective_uid(Uid uid) {
  constexpr ::uid_t as_it_is = ~::uid_t{0};
  return ::setresuid(as_it_is, uid.value, as_it_is) == 0;
}

bool take_ids(ServiceIds ids) {
  const ::uid_t uid = ids.uid.value;
  const ::gid_t gid = ids.gid.value;
  return ::setgroups(0, nullptr) == 0 && ::setresgid(gid, gid, gid) == 0 &&
         ::setresuid(uid, uid, uid) == 0;
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

Result<void> write_id_maps(const IdMapFiles& files, const Identity& identity) {
  IdMap uids, gids;
  uids.add(identity.uid.value);
  gids.add(identity.gid.value);
  for (const Gid group : identity.groups) gids.add(group.value);
  if (auto written = write_map(files.uids, uids); !written) return written;
  return write_map(files.gids, gids);
}

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
  const auto maps = open_maps(child);
  if (!maps) return failure(maps.error());
  if (auto written = write_id_maps(*maps, identity); !written) return written;
  if (auto moved = cgroup ? move_to_cgroup(*cgroup, child) : Result<void>(); !moved) return moved;
  if (!send_byte(parent_end_.borrow())) return failure_from_errno("write", "to a child");
  return {};
}

Result<IdMapFiles> NamespaceGate::let_through_without_ids(::pid_t child, Uid own) {
  child_end_.reset();
  if (!receive_byte(parent_end_.borrow())) return failure({"wait", "for a child's first step", 0});
  // To the namespace's owner both the files and, as they ask of whoever opens them, all
  // capabilities over the namespace belong. Capabilities of this process's own are not touched by
  // that (SECBIT_NO_SETUID_FIXUP).
  const Uid master{::geteuid()};
  if (!set_effective_uid(own)) return failure_from_errno("setresuid", std::to_string(own.value));
  auto maps = open_maps(child);
  // A change of ids sets this as the machine likes it (fs.suid_dumpable).
  PERCHILD_ASSERT(set_effective_uid(master) && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  if (!maps) return maps;
  if (!send_byte(parent_end_.borrow())) return failure_from_errno("write", "to a child");
  return maps;
}

::pid_t fork_into_own_namespaces() {
  // The C library's clone(3) asks for a stack; a filter cannot see clone3's flags.
  return static_cast<::pid_t>(
      ::syscall(SYS_clone, own_namespaces_flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

::pid_t fork_into_own_namespaces_as(ServiceIds ids) {
  // The ids must change before the namespace begins, where there are none, and in a process that is
  // not this one. It lives until the child does, on this one's memory.
  volatile ::pid_t child = -1;
  volatile int error = 0;
  const ::pid_t between = ::vfork();
  if (between < 0) return -1;
  if (between == 0) {
    if (take_ids(ids)) {
      child =
          static_cast<::pid_t>(::syscall(SYS_clone, own_namespaces_flags | CLONE_PARENT | SIGCHLD,
                                         nullptr, nullptr, nullptr, nullptr));
    }
    if (child == 0) return 0;  // on a copy of the memory
    error = errno;
    ::_exit(0);
  }
  ::waitpid(between, nullptr, 0);
  errno = error;
  return child;
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
