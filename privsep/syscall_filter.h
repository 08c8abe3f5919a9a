// seccomp programs: compiled once from the rules of policy/syscall_rules.cc, loaded by each process
// for itself.
//
// Runs in: command (compiles, with libseccomp), master, router, worker (load; no library).
// Trusts: the program's maker, the command; the bytes travel as sealed memory.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "policy/role_policy.h"
#include "privsep/result.h"

namespace perchild {

// The BPF program for a role: an array of sock_filter. In syscall_filter_compile.cc, so that only
// the command links libseccomp. `allowed`: besides, for the sake of some site's programs.
Result<std::string> compile_syscall_filter(Role role, std::span<const std::string> allowed = {});

// One that comes on top of the runner's, in a site's programs: these are refused, as what is
// unlisted is, and all else is left to the runner's.
Result<std::string> compile_refusals(std::span<const std::string> forbidden);

// Installs a compiled program on this process, for ever. Needs no_new_privs.
Result<void> load_syscall_filter(std::string_view program);

}  // namespace perchild
