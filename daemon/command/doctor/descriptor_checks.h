// What a running process holds open, compared with what its role has a use for: by kind
// (policy/held_descriptors.h), and by which file, folder or socket it is where that can be told.
//
// Runs in: command. Looks at nothing itself.
#pragma once

#include <vector>

#include "daemon/command/doctor/process_checks.h"

namespace perchild {

// Appends what is wrong. `sites`: those that it may be of.
void compare_descriptors(const ProcessFacts& process, Role role, const ProcessFacts& master,
                         const std::vector<const ExpectedSite*>& sites,
                         const ExpectedService& expected, std::vector<Difference>& differences);

}  // namespace perchild
