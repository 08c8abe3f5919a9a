#include "policy/role_policy.h"

#include <linux/capability.h>

namespace perchild {
namespace {

constexpr CapabilityMask capability(int number) {
  return CapabilityMask{1} << number;
}

// For the keeper, which keeps the keys of thousands of sites out of swap.
constexpr std::uint64_t most_locked = 128ULL * 1024 * 1024;

constexpr RolePolicy master_policy{
    .role = Role::master,
    // SETUID, SETGID  give a child its ids. Only mapped ids: neither 0 nor another service's.
    // SETPCAP         empty a child's bounding set and fix its securebits.
    // KILL            end a child, whose uid is not ours.
    // SYS_CHROOT      handed on to children, who give it up once they have changed their root.
    .capabilities = capability(CAP_SETUID) | capability(CAP_SETGID) | capability(CAP_SETPCAP) |
                    capability(CAP_KILL) | capability(CAP_SYS_CHROOT),
    .capabilities_at_exec = capability(CAP_SETUID) | capability(CAP_SETGID) |
                            capability(CAP_SETPCAP) | capability(CAP_KILL) |
                            capability(CAP_SYS_CHROOT),
    .bounding_set = capability(CAP_SETUID) | capability(CAP_SETGID) | capability(CAP_SETPCAP) |
                    capability(CAP_KILL) | capability(CAP_SYS_CHROOT),
    // Its children start from the real root, and inherit any Landlock domain for ever.
    .own_root = false,
    .landlock = false,
    .limits = {.open_files = 262'144,
               .processes = ResourceLimits::no_limit,
               .file_size = ResourceLimits::no_limit,
               .core_size = 0,
               .queued_bytes = 0,
               .locked_memory = most_locked,  // to hand on
               .pending_signals = ResourceLimits::no_limit},
};

constexpr RolePolicy router_policy{
    .role = Role::router,
    .capabilities = 0,
    .capabilities_at_exec = capability(CAP_SYS_CHROOT),
    .bounding_set = 0,
    .own_root = true,
    .landlock = true,
    .limits = {.open_files = 65'536,
               .processes = 0,
               .file_size = ResourceLimits::no_limit,  // its messages go where the service's go
               .core_size = 0,
               .queued_bytes = 0},
};

constexpr RolePolicy checker_policy{
    .role = Role::checker,
    .capabilities = 0,
    .capabilities_at_exec = capability(CAP_SYS_CHROOT),
    .bounding_set = 0,
    .own_root = true,
    .landlock = true,
    .limits = {.open_files = 1024,  // its site's workers, and the password files
               .processes = 0,
               .file_size = ResourceLimits::no_limit,  // the site's error log
               .core_size = 0,
               .queued_bytes = 0},
};

constexpr RolePolicy worker_policy{
    .role = Role::worker,
    .capabilities = 0,
    .capabilities_at_exec = capability(CAP_SYS_CHROOT),
    .bounding_set = 0,
    .own_root = true,
    .landlock = true,
    .limits = {.open_files = 65'536,
               .processes = 0,
               .file_size = ResourceLimits::no_limit,  // its logs grow without bound
               .core_size = 0,
               .queued_bytes = 0},
};

// No process of the service: a command that goes on as this, under ids of its own.
constexpr RolePolicy exporter_policy{
    .role = Role::exporter,
    .capabilities = 0,
    .capabilities_at_exec = 0,
    .bounding_set = 0,
    .own_root = false,
    .landlock = true,
    .limits = {.open_files = 1024,
               .processes = 0,
               .file_size = ResourceLimits::no_limit,  // its messages go where its caller's go
               .core_size = 0,
               .queued_bytes = 0},
};

constexpr RolePolicy keeper_policy{
    .role = Role::keeper,
    .capabilities = 0,
    .capabilities_at_exec = capability(CAP_SYS_CHROOT),
    .bounding_set = 0,
    .own_root = true,
    .landlock = true,
    .limits = {.open_files = 65'536,  // a channel for each worker
               .processes = 0,
               .file_size = ResourceLimits::no_limit,  // its messages go where the service's go
               .core_size = 0,
               .queued_bytes = 0,
               .locked_memory = most_locked},
};

constexpr RolePolicy runner_policy{
    .role = Role::runner,
    .capabilities = 0,
    // SYS_ADMIN     mount the site's own /proc and /tmp.
    // SYS_RESOURCE  forbid user namespaces within its own.
    .capabilities_at_exec = capability(CAP_SYS_ADMIN) | capability(CAP_SYS_RESOURCE),
    .bounding_set = 0,
    .own_root = false,  // programs need the machine's: Landlock says which parts of it
    .landlock = true,
    .limits = {.open_files = 65'536,  // a program has fewer
               .processes = ResourceLimits::no_limit,
               .file_size = ResourceLimits::no_limit,
               .core_size = 0,
               .queued_bytes = 0,
               .locked_memory = 8ULL * 1024 * 1024,
               .pending_signals = 1024},
    .own_namespaces = true,
};

// Until it has a site, and is a runner.
constexpr RolePolicy spare_policy{
    .role = Role::spare,
    // SETUID, SETGID  take the ids that its namespace is given.
    // SETPCAP         empty its bounding set and fix its securebits.
    // SYS_ADMIN, SYS_RESOURCE  as a runner at its exec.
    .capabilities = capability(CAP_SETUID) | capability(CAP_SETGID) | capability(CAP_SETPCAP) |
                    capability(CAP_SYS_ADMIN) | capability(CAP_SYS_RESOURCE),
    .capabilities_at_exec = capability(CAP_SETUID) | capability(CAP_SETGID) |
                            capability(CAP_SETPCAP) | capability(CAP_SYS_ADMIN) |
                            capability(CAP_SYS_RESOURCE),
    .bounding_set = 0,
    .own_root = false,
    .landlock = true,
    .limits = runner_policy.limits,
    .own_namespaces = true,
    .ids_come_later = true,
};

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::master:
      return "master";
    case Role::router:
      return "router";
    case Role::worker:
      return "worker";
    case Role::checker:
      return "checker";
    case Role::exporter:
      return "exporter";
    case Role::keeper:
      return "keeper";
    case Role::runner:
      return "runner";
    case Role::spare:
      return "spare";
  }
  __builtin_unreachable();
}

std::string_view executable_of(Role role) {
  switch (role) {
    case Role::master:
      return "perchild-master";
    case Role::router:
      return "perchild-router";
    case Role::worker:
      return "perchild-worker";
    case Role::checker:
      return "perchild-checker";
    case Role::exporter:
      return "perchild";
    case Role::keeper:
      return "perchild-keeper";
    case Role::runner:
      return "perchild-runner";
    case Role::spare:
      return "perchild-spare";
  }
  __builtin_unreachable();
}

const RolePolicy& policy_of(Role role) {
  switch (role) {
    case Role::master:
      return master_policy;
    case Role::router:
      return router_policy;
    case Role::worker:
      return worker_policy;
    case Role::checker:
      return checker_policy;
    case Role::exporter:
      return exporter_policy;
    case Role::keeper:
      return keeper_policy;
    case Role::runner:
      return runner_policy;
    case Role::spare:
      return spare_policy;
  }
  __builtin_unreachable();
}

}  // namespace perchild
