// The running service, if there is one: asks it what it runs by, and looks at its processes.
//
// Runs in: command, as root.
// Trusts: the master's word for its number and its table; what it is itself, the kernel says.
#pragma once

#include <string>

#include "daemon/command/doctor/finding.h"
#include "policy/configuration.h"

namespace perchild {

void check_running_service(const std::string& config_path, const Configuration& configuration,
                           Diagnosis& diagnosis);

}  // namespace perchild
