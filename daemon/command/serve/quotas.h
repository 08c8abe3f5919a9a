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

// The disk that holds the directory `path`; none if it lies on no block device.
BlockDevice disk_of(const std::string& path);

}  // namespace perchild
