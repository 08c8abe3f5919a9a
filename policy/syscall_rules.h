// Which system calls each role may make, as data, with the reason for each. The `perchild` command
// compiles it to seccomp programs; a call that is not listed kills its process.
#pragma once

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
};

// The rules of a role. A call listed several times is allowed if any of its rules holds.
std::vector<SyscallRule> syscall_rules_of(Role role);

}  // namespace perchild
