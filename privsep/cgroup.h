// Control groups (cgroup v2): what all processes of a site may take together. One group a site,
// below a folder that is delegated to the master's gid.
//
// Runs in: command, as root (delegates); master (makes groups, reads them); between fork and exec
// in the child (joins one).
// Trusts: the kernel's files; the site table, for names and limits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/configuration.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// A set of controllers: which limits the groups have.
using ControllerMask = std::uint8_t;
inline constexpr ControllerMask cpu_controller = 1;
inline constexpr ControllerMask io_controller = 2;
inline constexpr ControllerMask memory_controller = 4;
inline constexpr ControllerMask pids_controller = 8;
inline constexpr ControllerMask every_controller = 15;

// A whole block device: io.max knows no partitions.
struct BlockDevice {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  auto operator<=>(const BlockDevice&) const = default;
};

struct CgroupLimits {
  SiteQuota quota;
  BlockDevice device;  // that quota.io is about
  auto operator<=>(const CgroupLimits&) const = default;
};

// The controllers that these limits need.
ControllerMask controllers_of(const SiteQuota& quota);
// "cpu, memory"
std::string names_of(ControllerMask controllers);

struct DelegatedCgroup {
  UniqueFd directory;              // in which the master may make groups
  ControllerMask controllers = 0;  // that these groups have
};

// Below the group that this process is in: makes one in which it goes on living beside those of
// the sites, and hands that over to `master`. An error if there is no cgroup v2, or if the group is
// not this service's to divide: systemd marks it (Delegate=yes), or it is the root of all
// and `root_too`.
Result<DelegatedCgroup> delegate_own_cgroup(Gid master, bool root_too);
// The same below the group of which `own` is the directory.
Result<DelegatedCgroup> delegate_cgroup(BorrowedFd own, Gid master);

// Of a group that another service of ours has made: this process comes to live beside that one's.
Result<void> join_service_group(BorrowedFd directory);

// The group of a site, which may be there already: its limits are set anew.
Result<UniqueFd> make_site_cgroup(BorrowedFd directory, std::string_view site,
                                  const CgroupLimits& limits, ControllerMask controllers);
// Puts this process into it. Its writer needs the right to write to cgroup.procs of `directory`
// too: before a change of ids.
Result<void> join_cgroup(BorrowedFd group);
// By which a process that could not open it itself puts itself into the group, by writing "0": the
// kernel asks whether its opener may.
Result<UniqueFd> open_cgroup_procs(BorrowedFd group);
// Likewise another process.
Result<void> move_to_cgroup(BorrowedFd group, ::pid_t pid);
// Of a site without processes; one that has some, or is not there, stays as it is: false.
bool remove_site_cgroup(BorrowedFd directory, std::string_view site);

// What a site's group has taken since it was made, and what it was refused. 0 where a controller is
// missing.
struct CgroupUsage {
  std::uint64_t memory = 0;         // bytes
  std::uint64_t memory_at_max = 0;  // times that the limit was reached
  std::uint64_t killed = 0;         // processes killed for want of memory
  std::uint64_t processes = 0;
  std::uint64_t forks_refused = 0;
  std::uint64_t cpu_us = 0;
  std::uint64_t periods_throttled = 0;
  std::uint64_t throttled_us = 0;
  std::uint64_t read_bytes = 0, written_bytes = 0;
};
Result<CgroupUsage> read_cgroup_usage(BorrowedFd directory, std::string_view site);

}  // namespace perchild
