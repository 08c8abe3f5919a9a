// Texts of /proc that say what a process holds and may take.
//
// Runs in: command, as root.
// Trusts: the kernel's form, but reads it strictly. The target of a link may be a name that a
// tenant has chosen.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "policy/held_descriptors.h"

namespace perchild {

// /proc/PID/limits. Soft and hard, the larger of the two; no limit is ResourceLimits::no_limit.
struct ProcessLimits {
  std::uint64_t open_files = 0;
  std::uint64_t processes = 0;
  std::uint64_t file_size = 0;
  std::uint64_t core_size = 0;
  std::uint64_t queued_bytes = 0;
  std::uint64_t locked_memory = 0;
};

// Nullopt if a line is missing or is not what the kernel prints.
std::optional<ProcessLimits> parse_process_limits(std::string_view text);

// What a descriptor is: of the target of /proc/PID/fd/N, and the type of file that stat(2) says.
DescriptorKind kind_of_descriptor(std::string_view target, ::mode_t mode);

// What a descriptor was opened with, of /proc/PID/fdinfo/N.
std::optional<int> open_flags_of(std::string_view text);

// Of /proc/net/tcp and tcp6: those that listen, as "socket:[17]".
void add_listening_sockets(std::string_view text, std::set<std::string>& sockets);

// The path in the target of a link below /proc/PID, also of what has no name any more (proc(5)).
std::string_view without_mark_of_deleted(std::string_view target);

// "perchild-worker", of the target of /proc/PID/exe.
struct ExecutableName {
  std::string name;
  bool is_replaced = false;  // another file, or none, has its name now
};
ExecutableName executable_name(std::string_view target);

// The group that a process is in, by /proc/PID/cgroup: its path in cgroup v2, "" if it has none.
std::string cgroup_of(std::string_view text);

}  // namespace perchild
