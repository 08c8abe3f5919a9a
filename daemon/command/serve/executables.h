// Finds the executables that the command starts or becomes.
//
// Runs in: command.
// Trusts: the folder that the command itself lies in, and the package's.
#pragma once

#include <string>

#include "policy/role_policy.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// Opened but not executed yet: beside this command, as in a build tree, or where a package puts
// them.
Result<UniqueFd> open_executable(const std::string& name);
inline Result<UniqueFd> open_executable(Role role) {
  return open_executable(std::string(executable_of(role)));
}

// The same, for who starts it later.
Result<std::string> find_executable(const std::string& name);

}  // namespace perchild
