// seccomp programs: compiled once from the rules of policy/syscall_rules.cc, loaded by each process
// for itself.
//
// Runs in: command (compiles, with libseccomp), master, router, worker (load; no library).
// Trusts: the program's maker, the command; the bytes travel as sealed memory.
#pragma once

#include <string>
#include <string_view>

#include "policy/role_policy.h"
#include "privsep/result.h"

namespace perchild {

// The BPF program for a role: an array of sock_filter. In syscall_filter_compile.cc, so that only
// the command links libseccomp.
Result<std::string> compile_syscall_filter(Role role);

// Installs a compiled program on this process, for ever. Needs no_new_privs.
Result<void> load_syscall_filter(std::string_view program);

}  // namespace perchild
