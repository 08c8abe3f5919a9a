// What a service that starts has from the one before it, instead of making it anew.
//
// Runs in: command, as root.
#pragma once

#include <vector>

#include "privsep/cgroup.h"
#include "privsep/unique_fd.h"

namespace perchild {

// All of it may be missing.
struct Inheritance {
  UniqueFd notify{};                  // where it says that it is ready; see MasterFds::notify
  std::vector<UniqueFd> listeners{};  // bound and listening, in any order
  std::vector<UniqueFd> passed{};     // likewise, by a service manager that keeps them
  UniqueFd control{};                 // sockets for commands
  UniqueFd status{};
  UniqueFd log{};  // instead of stderr
  DelegatedCgroup cgroups{};
};

}  // namespace perchild
