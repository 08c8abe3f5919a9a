// A process as the kernel shows it from outside, compared with what its role's policy says.
//
// Runs in: master, before it hands a child anything of value; runner, before it uses a program that
// a spare has loaded.
// Trusts: the kernel's /proc/PID/status.
// Does not trust: what the child says of itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/ids.h"
#include "policy/role_policy.h"
#include "privsep/result.h"

namespace perchild {

struct ProcessStatus {
  std::vector<std::uint32_t> uids;    // real, effective, saved, file system
  std::vector<std::uint32_t> gids;    // likewise
  std::vector<std::uint32_t> groups;  // supplementary, sorted
  CapabilityMask inheritable = 0, permitted = 0, effective = 0, bounding = 0, ambient = 0;
  // The number that it has in each PID namespace, from that of /proc to its own; none if the kernel
  // knows no such namespaces.
  std::vector<std::uint32_t> pids;
  std::uint32_t threads = 0;
  std::uint32_t no_new_privs = 0;
  std::uint32_t seccomp_mode = 0;     // 2: filters
  std::uint32_t seccomp_filters = 0;  // how many
};

// Bytes of memory that are the process's own and nobody else's (RssAnon); nullopt if the line is
// missing, as of a process that has ended, or is not what the kernel prints.
std::optional<std::uint64_t> parse_anonymous_memory(std::string_view text);

std::optional<std::uint64_t> anonymous_memory_of(::pid_t pid);

// How long it has been on a processor until now; nullopt if it has ended.
std::optional<std::chrono::microseconds> cpu_time_of(::pid_t pid);

// Nullopt if a line that we need is missing or is not what the kernel prints.
std::optional<ProcessStatus> parse_process_status(std::string_view text);

Result<ProcessStatus> read_process_status(::pid_t pid);

// What differs from the policy of `role` under these ids, in words; nullopt if nothing.
// `seccomp_filters`: how many there must be. The service may have been started under some already
// (a container's, the service manager's), so that is for the caller to know.
std::optional<std::string> difference_from_policy(const ProcessStatus& status, Role role,
                                                  const Identity& identity,
                                                  std::uint32_t seccomp_filters);

}  // namespace perchild
