// What each role may be: its credentials, limits and walls, as data. `privsep/lock_down.cc` carries
// it out, `privsep/process_status.cc` compares a live process with it.
#pragma once

#include <sched.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace perchild {

enum class Role : std::uint8_t {
  master,
  router,
  worker,
  checker,
  keeper,
  exporter,
  runner,
  spare,  // becomes a runner
};

std::string_view name_of(Role role);        // "master"
std::string_view executable_of(Role role);  // "perchild-master"
// In place of executable_of(Role::worker) where the site has a certificate.
inline constexpr const char* tls_worker_executable = "perchild-tls-worker";

// Of a role with own_namespaces: users, processes, mounts, System V IPC and message queues.
inline constexpr std::uint64_t own_namespaces_flags =
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;

// A set of capabilities(7), bit n for capability number n.
using CapabilityMask = std::uint64_t;

struct ResourceLimits {
  std::uint64_t open_files;
  std::uint64_t processes;  // RLIMIT_NPROC: 0 forbids fork even where seccomp would not
  std::uint64_t file_size;  // RLIMIT_FSIZE, bytes
  std::uint64_t core_size;
  std::uint64_t queued_bytes;       // RLIMIT_MSGQUEUE
  std::uint64_t locked_memory = 0;  // RLIMIT_MEMLOCK, bytes
  // RLIMIT_SIGPENDING: signals that wait, and timers. What a runner's programs have of these the
  // kernel counts as the whole service's as well, by the limit that the master has.
  std::uint64_t pending_signals = 0;
  static constexpr std::uint64_t no_limit = ~std::uint64_t{0};
};

struct RolePolicy {
  Role role;
  // Capabilities inside the service's user namespace once the role is locked down. In the host's
  // namespace no role has any.
  CapabilityMask capabilities;
  // What the role still holds between its exec and the end of its lock-down, and why: SYS_CHROOT,
  // to change its root, which cannot be done before exec because the loader needs the real one.
  CapabilityMask capabilities_at_exec;
  CapabilityMask bounding_set;
  bool own_root;  // its root directory is an empty one, or its docroot (worker)
  bool landlock;  // restricted by Landlock
  ResourceLimits limits;
  // PID 1 of namespaces of its own, whose users are the role's own ids and nobody else. Its
  // capabilities at exec are good for these alone.
  bool own_namespaces = false;
  // Which ids these users are, nobody has said yet: none is mapped, and its own are a service's of
  // the namespace outside.
  bool ids_come_later = false;
};

const RolePolicy& policy_of(Role role);

}  // namespace perchild
