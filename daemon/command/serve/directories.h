// The folders that the service needs.
//
// Runs in: command, as root.
#pragma once

#include <string>

#include "policy/ids.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// Opens `path`, making what is missing of it, with this owner and mode. An error if any folder on
// the way belongs to, or can be written by, anybody but root and the owner: they could put another
// in its place. (A sticky folder, such as /tmp, will do.)
Result<UniqueFd> prepare_directory(const std::string& path, ServiceIds owner, unsigned mode);

}  // namespace perchild
