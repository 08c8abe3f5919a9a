// Capability sets by the raw system calls: the role executables link libc alone, and a drop needs
// no more than this.
//
// Runs in: command, master, router, worker.
// Trusts: the kernel.
#pragma once

#include "policy/role_policy.h"
#include "privsep/result.h"

namespace perchild {

struct CapabilitySets {
  CapabilityMask effective = 0;
  CapabilityMask permitted = 0;
  CapabilityMask inheritable = 0;
  friend bool operator==(const CapabilitySets&, const CapabilitySets&) = default;
};

Result<CapabilitySets> read_capabilities();

// Makes `kept` this process's effective, permitted, inheritable and ambient set, so that exactly
// these survive an exec. None: clears all four.
Result<void> keep_only_capabilities(CapabilityMask kept);

// Makes `passed_on`, which is permitted and inheritable, the ambient set: what a program has after
// this process, or a child, has executed it. This process keeps what it has.
Result<void> pass_on_capabilities(CapabilityMask passed_on);

// Drops everything but `kept` from the bounding set. Needs CAP_SETPCAP.
Result<void> restrict_bounding_set(CapabilityMask kept);

}  // namespace perchild
