// Disks on which sites' programs write beside somebody else: what keeps one from filling them is a
// quota of the file system's.
//
// Runs in: command, as root.
// Does not trust: sites' roots, which are looked at without being opened.
#pragma once

#include <string>
#include <vector>

#include "daemon/command/doctor/finding.h"
#include "policy/configuration.h"

namespace perchild {

// Where a site's programs write: its root, or what is its /tmp.
struct SiteOnDisk {
  std::string site;
  Uid uid;
  std::uint64_t disk = 0;  // of the file system, as stat(2) numbers it
  bool has_quota = false;  // in force for what this user may have of it
};

struct DiskFacts {
  std::vector<SiteOnDisk> sites;              // of those that have programs
  std::vector<std::uint64_t> of_the_machine;  // where the system is, and the logs
};

DiskFacts look_at_disks(const Configuration& configuration);

void check_disks(const DiskFacts& facts, Diagnosis& diagnosis);

}  // namespace perchild
