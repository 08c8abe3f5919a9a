// Where the exporter listens: on this machine only.
//
// Runs in: command, as root.
#pragma once

#include <string>

#include "policy/ids.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// A listening socket at a loopback address, or at a path, where `owner` and its group may connect.
Result<UniqueFd> open_door(const std::string& listen, ServiceIds owner);

}  // namespace perchild
