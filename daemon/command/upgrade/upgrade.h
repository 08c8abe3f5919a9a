// `perchild upgrade`: a service of this command's version takes the place of the one that runs,
// without a visitor's noticing.
//
// Runs in: command, as root.
// Trusts: the configuration, checked.
// Does not trust: the running master, beyond that it serves until it gives way. Root does nothing
// to what that hands over, but to see whether it is what it is said to be; the successor's master
// has it.
#pragma once

#include <iosfwd>
#include <string>

#include "policy/configuration.h"
#include "privsep/result.h"

namespace perchild {

// The exit status: 0, 1 if the running service goes on alone, 2 if the configuration cannot be
// read.
[[nodiscard]] int run_upgrade(const std::string& configuration_path, std::ostream& out,
                              std::ostream& errors);

// The same, of a configuration that is good.
Result<int> take_over(Configuration& configuration, std::ostream& out, std::ostream& errors);

}  // namespace perchild
