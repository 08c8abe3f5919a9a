// What the sites' quotas (limits of memory, processes, cpu and io) need of the machine.
//
// Runs in: command, as root.
// Trusts: the configuration, checked; the kernel's files.
#pragma once

#include <string>

#include "policy/configuration.h"
#include "privsep/cgroup.h"
#include "privsep/result.h"
#include "privsep/server_log.h"

namespace perchild {

// The control groups, if there are some to be had and, where nobody has marked them as the
// service's, if a site has a quota. An error if they are required and cannot be had. `inherited`:
// those of the service that this one follows, if there are any.
Result<DelegatedCgroup> prepare_quotas(const Configuration& configuration,
                                       DelegatedCgroup inherited, const ServerLog& log);

// The controllers that the sites' quotas need.
ControllerMask controllers_needed_by(const Configuration& configuration);

// The disk that a site's root lies on, of which its quota of io is; none if the quota has no io, or
// the root lies on no block device.
BlockDevice disk_of(const Site& site);

// Whose quota of io cannot be kept for want of a disk: the first such site's root, or nothing.
std::string root_without_disk(const Configuration& configuration);

}  // namespace perchild
