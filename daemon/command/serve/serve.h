// `perchild serve`: everything that needs root, once, and then this process becomes the master.
//
// Runs in: command, as root, for a moment.
// Trusts: the configuration file, which only root may write.
#pragma once

#include <string>

namespace perchild {

// Does not return on success. The exit status: 1 mistakes in the configuration or the machine says
// no, 2 the configuration cannot be read.
int run_serve(const std::string& configuration_path);

}  // namespace perchild
