// Binds the configured addresses.
//
// Runs in: command, as root.
// Trusts: the configuration, checked.
#pragma once

#include <vector>

#include "policy/configuration.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// One listening socket for each of `listeners`, in their order. A listener of an optional family
// that the kernel has not got is taken out of `listeners`.
Result<std::vector<UniqueFd>> bind_listeners(std::vector<Listener>& listeners,
                                             std::chrono::milliseconds head_deadline);

}  // namespace perchild
