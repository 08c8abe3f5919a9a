// Prints each role's rules for system calls, one a line: role, call, its number here, tests of its
// arguments (INDEX/MASK/VALUE, or "-") and the reason. `programs` are the rules that a runner has
// for the programs that it starts.
#include <seccomp.h>

#include <cinttypes>
#include <cstdio>
#include <string>

#include "policy/role_policy.h"
#include "policy/syscall_rules.h"

namespace perchild {
namespace {

void print(const char* role, const std::vector<SyscallRule>& rules) {
  for (const SyscallRule& rule : rules) {
    std::string tests;
    for (const ArgumentTest& test : rule.tests()) {
      if (test.mask == 0) continue;
      char text[64];
      std::snprintf(text, sizeof text, "%s%u/%" PRIx64 "/%" PRIx64, tests.empty() ? "" : ",",
                    test.index, test.mask, test.value);
      tests += text;
    }
    std::printf("%s\t%s\t%d\t%s\t%s\n", role, rule.name, ::seccomp_syscall_resolve_name(rule.name),
                tests.empty() ? "-" : tests.c_str(), rule.reason);
  }
}

}  // namespace
}  // namespace perchild

int main() {
  using perchild::Role;
  for (const Role role :
       {Role::master, Role::router, Role::worker, Role::checker, Role::keeper, Role::exporter}) {
    perchild::print(std::string(perchild::name_of(role)).c_str(), perchild::syscall_rules_of(role));
  }
  perchild::print("programs", perchild::syscall_rules_of_programs());
}
