// A directory as a mount of its own, which is mounted nowhere. Who holds its descriptor reaches
// what is in it and nothing else: ".." of its root is its root, whatever flags openat2(2) is given.
//
// Runs in: command. It takes no privilege on the machine: a child makes the mount in user and mount
// namespaces of its own, which end with it.
// Trusts: the configuration's path.
#pragma once

#include <string>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// Read-only through this descriptor, without devices and programs. Mounts below it are not in it.
Result<UniqueFd> detach_directory(const std::string& path);

}  // namespace perchild
