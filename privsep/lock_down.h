// The lock-down: how a process gives up, for ever, everything that its role does not need. Two
// lists, in privsep/lock_down.cc.
//
// Runs in: every child between fork and exec, a site's worker right behind it (first list); every
// role at its start (second list).
// Trusts: the policy tables, the kernel.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "policy/configuration.h"
#include "policy/ids.h"
#include "policy/role_policy.h"
#include "privsep/landlock.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// First list. On success this process has the child's ids, unless they come later, and holds the
// role's capabilities_at_exec and nothing else. If it is still the master's image it is to exec at
// once.
Result<void> drop_to_identity(Role role, const Identity& identity);

// What drop_to_identity() needs, handed on to a process that calls it after its exec, and nothing
// else. The ids stay the master's.
Result<void> keep_what_a_drop_needs(Role role);

struct LockDownPlan {
  std::string_view filter;               // the role's compiled system-call filter
  std::optional<BorrowedFd> new_root{};  // directory to be locked into, of a role with own_root
  bool root_is_readable = false;         // Landlock: files beneath it may be read
  std::optional<BorrowedFd> also_readable{};  // Landlock: another directory
  Requirement landlock = Requirement::required;
  std::uint64_t memory = 0;  // bytes of its own that it may have; 0: as many as there are
  std::uint64_t processes = ResourceLimits::no_limit;  // if its policy permits as many
  std::optional<BorrowedFd> programs_ruleset{};        // Landlock, of a runner: which files
  bool reach_is_restricted = false;                    // likewise: the layer above it is there
};

// Shows that this process has been locked down as `role`. Only lock_down() makes one, and each
// role's loop asks for it: a loop in a process that still has privileges does not compile.
template <Role role>
class LockedDown {
 private:
  LockedDown() = default;
  template <Role r>
  friend Result<LockedDown<r>> lock_down(const LockDownPlan& plan);
};

// A step of the second list, for who starts programs before it: the limits that are the same for
// all processes of the role.
Result<void> limit_as(Role role);

// Second list, with its proof at the end. An error means that a step failed: the caller exits.
Result<void> lock_down_as(Role role, const LockDownPlan& plan);

template <Role role>
Result<LockedDown<role>> lock_down(const LockDownPlan& plan) {
  if (auto done = lock_down_as(role, plan); !done) return failure(done.error());
  return LockedDown<role>();
}

}  // namespace perchild
