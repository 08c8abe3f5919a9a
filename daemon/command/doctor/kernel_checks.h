// What the kernel lacks or leaves open, as far as it matters here: where perchild has something of
// its own in force, an open setting is none of its sites' concern, and is said to be in order.
//
// Runs in: command. Looks at nothing itself.
#pragma once

#include <string>
#include <vector>

#include "daemon/command/doctor/finding.h"
#include "daemon/command/doctor/kernel_facts.h"

namespace perchild {

// What the configuration asks of the kernel.
struct KernelNeeds {
  bool landlock_is_required = true;
  bool has_programs = false;  // a site has
  bool names_ports = false;   // a site says to which its programs may connect
  bool has_quotas = false;    // a site has limits that need control groups
  bool cgroup_is_required = true;
};

// The settings that are asked about.
std::vector<std::string> kernel_settings();

void check_kernel(const KernelFacts& facts, const KernelNeeds& needs, Diagnosis& diagnosis);

}  // namespace perchild
