#include "privsep/lock_down.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "privsep/capabilities.h"
#include "privsep/syscall_filter.h"

namespace perchild {
namespace {

// uid 0 means nothing: no capabilities by being it, by becoming it, or by executing as it. Nor can
// an ambient set be raised again once the last step has cleared it.
constexpr unsigned long securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;

// Lowers a limit, soft and hard; a lower one that is there already stays.
Result<void> lower_limit(__rlimit_resource resource, const char* name, std::uint64_t value) {
  ::rlimit limit;
  if (::getrlimit(resource, &limit) != 0) return failure_from_errno("getrlimit", name);
  const ::rlim_t wanted = value == ResourceLimits::no_limit ? RLIM_INFINITY : value;
  limit.rlim_max = std::min(limit.rlim_max, wanted);
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  if (::setrlimit(resource, &limit) != 0) return failure_from_errno("setrlimit", name);
  return {};
}

// Before exec, since the loader lives by it too, and descriptors are put into their places, for
// which the master's own limit may be reached. The other limits belong to the process that the exec
// makes: a process limit of 0 would make the exec itself fail (EAGAIN).
Result<void> limit_open_files(const RolePolicy& policy) {
  return lower_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", policy.limits.open_files);
}

Result<void> set_ids(const Identity& identity) {
  std::vector<::gid_t> groups;
  for (Gid gid : identity.groups) groups.push_back(gid.value);
  // The uid last: whoever has changed it may no longer change the others.
  if (::setgroups(groups.size(), groups.data()) != 0) return failure_from_errno("setgroups");
  const ::gid_t gid = identity.gid.value;
  if (::setresgid(gid, gid, gid) != 0) return failure_from_errno("setresgid", std::to_string(gid));
  const ::uid_t uid = identity.uid.value;
  if (::setresuid(uid, uid, uid) != 0) return failure_from_errno("setresuid", std::to_string(uid));
  return {};
}

Result<void> call_prctl(const char* name, int option, unsigned long value) {
  if (::prctl(option, value, 0, 0, 0) != 0) return failure_from_errno(name);
  return {};
}

Result<void> change_root(BorrowedFd root) {
  if (::fchdir(root.get()) != 0) return failure_from_errno("fchdir", "new root");
  if (::chroot(".") != 0) return failure_from_errno("chroot");
  // chroot(2) leaves the working directory alone; "." is the root now, but say so.
  if (::chdir("/") != 0) return failure_from_errno("chdir", "/");
  return {};
}

Result<void> restrict_programs(const LockDownPlan& plan) {
  if (!plan.programs_ruleset) return failure({"lock down", "a runner without a ruleset", EINVAL});
  if (!plan.reach_is_restricted) {
    if (auto r = restrict_reach_of_programs(); !r) return r;
  }
  return restrict_with_ruleset(*plan.programs_ruleset);
}

Result<void> restrict_files(Role role, const LockDownPlan& plan) {
  if (!policy_of(role).landlock) return {};
  if (landlock_abi() == 0 && plan.landlock == Requirement::if_available) return {};
  if (role == Role::runner) return restrict_programs(plan);
  return restrict_with_landlock(plan.root_is_readable ? plan.new_root : std::nullopt,
                                plan.also_readable);
}

tl::unexpected<SysError> disproved(const char* what) {
  return failure({"prove", what, 0});
}

// Asks for what has just been given up. Runs before the system-call filter, which would answer by
// killing; that the filter stands, the master sees from outside.
Result<void> prove(Role role, const LockDownPlan& plan) {
  const RolePolicy& policy = policy_of(role);
  const auto held = read_capabilities();
  if (!held) return failure(held.error());
  if (*held != CapabilitySets{policy.capabilities, policy.capabilities, policy.capabilities}) {
    return disproved("that the capabilities are the role's");
  }
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return disproved("no_new_privs");
  if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return disproved("that it is not dumpable");
  if (::setresuid(0, 0, 0) == 0) return disproved("that it cannot become root");
  const ::gid_t group = 0;
  if (::setgroups(1, &group) == 0) return disproved("that it cannot join group 0");
  if (policy.own_root) {
    if (::chroot("/") == 0) return disproved("that it cannot change its root again");
    struct ::stat root, wanted;
    if (::stat("/", &root) != 0 || ::fstat(plan.new_root->get(), &wanted) != 0 ||
        root.st_dev != wanted.st_dev || root.st_ino != wanted.st_ino) {
      return disproved("that its root is the one that it was given");
    }
  }
  if (policy.landlock && (landlock_abi() > 0 || plan.landlock == Requirement::required)) {
    const UniqueFd made(::open("/perchild-proof", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (made.has_value()) return disproved("that it can make no file");
  }
  return {};
}

}  // namespace

Result<void> drop_to_identity(Role role, const Identity& identity) {
  const RolePolicy& policy = policy_of(role);
  if (auto r = limit_open_files(policy); !r) return r;
  // Needs CAP_SETPCAP; keeps setresuid from taking the capabilities along.
  if (auto r = call_prctl("PR_SET_SECUREBITS", PR_SET_SECUREBITS, securebits); !r) return r;
  // Needs CAP_SETPCAP, which is about to go; what is ambient survives exec without it.
  if (auto r = restrict_bounding_set(policy.bounding_set); !r) return r;
  if (!policy.ids_come_later) {
    if (auto r = set_ids(identity); !r) return r;
  }
  // After the ids, which need SETUID and SETGID. Ambient, or exec would take these too.
  return keep_only_capabilities(policy.capabilities_at_exec);
}

Result<void> keep_what_a_drop_needs(Role role) {
  constexpr CapabilityMask for_the_drop = CapabilityMask{1} << CAP_SETUID |
                                          CapabilityMask{1} << CAP_SETGID |
                                          CapabilityMask{1} << CAP_SETPCAP;
  const RolePolicy& policy = policy_of(role);
  if (auto r = limit_open_files(policy); !r) return r;
  return keep_only_capabilities(policy.capabilities_at_exec | for_the_drop);
}

Result<void> limit_as(Role role) {
  const ResourceLimits& limits = policy_of(role).limits;
  if (auto r = lower_limit(RLIMIT_CORE, "RLIMIT_CORE", limits.core_size); !r) return r;
  if (auto r = lower_limit(RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", limits.queued_bytes); !r) return r;
  if (auto r = lower_limit(RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", limits.locked_memory); !r) return r;
  if (auto r = lower_limit(RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING", limits.pending_signals); !r) {
    return r;
  }
  return lower_limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", limits.file_size);
}

Result<void> lock_down_as(Role role, const LockDownPlan& plan) {
  const RolePolicy& policy = policy_of(role);
  // First of all: no process of the same uid may look on while this one still holds something.
  // Nothing below changes ids or execs, which would reset it.
  if (auto r = call_prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0); !r) return r;
  ::umask(0027);
  // A client or a log's reader that has gone, and a log at its limit, are errors of the call that
  // writes. sendfile(2) has no MSG_NOSIGNAL.
  for (const int signal : {SIGPIPE, SIGXFSZ}) {
    if (::signal(signal, SIG_IGN) == SIG_ERR) return failure_from_errno("signal");
  }
  if (role != Role::master) {
    if (auto r = call_prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, SIGKILL); !r) return r;
  }
  if (auto r = limit_as(role); !r) return r;
  if (plan.memory != 0) {
    if (auto r = lower_limit(RLIMIT_DATA, "RLIMIT_DATA", plan.memory); !r) return r;
  }
  const std::uint64_t processes = std::min(policy.limits.processes, plan.processes);
  if (auto r = lower_limit(RLIMIT_NPROC, "RLIMIT_NPROC", processes); !r) return r;
  if (policy.own_root) {
    if (!plan.new_root) return failure({"lock down", "a role without the root it needs", EINVAL});
    // While CAP_SYS_CHROOT is there.
    if (auto r = change_root(*plan.new_root); !r) return r;
  }
  // The last use of a capability is behind us.
  if (auto r = keep_only_capabilities(policy.capabilities); !r) return r;
  // Before Landlock and seccomp: without CAP_SYS_ADMIN both ask for it.
  if (auto r = call_prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1); !r) return r;
  if (auto r = restrict_files(role, plan); !r) return r;
  if (auto r = prove(role, plan); !r) return r;
  // Last: it forbids the calls that the steps above are made of.
  return load_syscall_filter(plan.filter);
}

}  // namespace perchild
