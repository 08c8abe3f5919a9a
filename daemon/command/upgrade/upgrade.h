// `perchild upgrade`: a service of this command's version takes the place of the one that runs,
// without a visitor's noticing.
//
// Runs in: command, as root.
// Trusts: the running master, whose socket only root can have made; the configuration, checked.
#pragma once

#include <iosfwd>
#include <string>

namespace perchild {

// The exit status: 0, 1 if the running service goes on alone, 2 if the configuration cannot be
// read.
[[nodiscard]] int run_upgrade(const std::string& configuration_path, std::ostream& out,
                              std::ostream& errors);

}  // namespace perchild
