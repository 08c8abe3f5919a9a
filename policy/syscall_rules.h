// Which system calls each role may make, as data, with the reason for each. The `perchild` command
// compiles it to seccomp programs; a call that is not listed kills its process (UnlistedCall).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/role_policy.h"

namespace perchild {

// Holds if (argument number `index` & mask) == value. No test at all where mask is 0.
struct ArgumentTest {
  unsigned index = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
};

struct SyscallRule {
  const char* name;
  const char* reason;
  ArgumentTest first = {};
  ArgumentTest second = {};
  ArgumentTest third = {};

  std::array<ArgumentTest, 3> tests() const { return {first, second, third}; }  // all must hold
};

// The rules of a role. A call listed several times is allowed if any of its rules holds.
std::vector<SyscallRule> syscall_rules_of(Role role);

// What becomes of a call that is not listed.
enum class UnlistedCall : std::uint8_t {
  kill,    // its process: one of ours that makes it has been taken over
  refuse,  // ENOSYS: programs try what an older kernel would not know, and go on without
};
// A filter is inherited for ever, and the sternest of all answers counts: what refuses a program is
// not to be killed for by the filter of who started it.
UnlistedCall unlisted_call_of(Role role);

// syscall_rules_of_programs.cc: what a site's programs may call, and so the runner, which starts
// them.
std::vector<SyscallRule> syscall_rules_of_programs();

}  // namespace perchild
