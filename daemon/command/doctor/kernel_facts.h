// What of the kernel's mechanisms this machine has, and how they are set.
//
// Runs in: command, as root.
// Trusts: the kernel.
#pragma once

#include <map>
#include <string>

namespace perchild {

// Landlock's, of Linux 6.7: it keeps programs from TCP ports.
inline constexpr int abi_with_ports = 4;

struct KernelFacts {
  // By the names of sysctl(8), "kernel.yama.ptrace_scope"; missing where this kernel has none.
  std::map<std::string, std::string> settings;
  int version = 0;  // 6.12 is 6012
  int landlock_abi = 0;
  bool has_pidfd = true;
  bool has_cgroup2 = true;
  std::string hidepid{};  // of /proc, as it is mounted; "" if it hides nobody
  bool hidepid_has_gid = false;
};

KernelFacts look_at_kernel();

}  // namespace perchild
