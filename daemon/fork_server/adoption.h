// How a program that has been loaded before it had a site becomes that site's: its place, its ids,
// its walls, the same that the site's runner has.
//
// Runs in: an interpreter without a site, which no tenant has said anything to: in a user namespace
// of its own, without ids until the master gives it one site's.
// Trusts: the spare that has started it, and what that becomes, the site's runner.
#pragma once

#include <span>

#include "privsep/fork_messages.h"
#include "privsep/unique_fd.h"

namespace perchild {

// 0, or the errno of what failed: the process is then neither and is to end.
int take_step(const AdoptionPlace& place, std::span<const UniqueFd> fds);
int take_step(const AdoptionWalls& walls, std::span<const UniqueFd> fds);

}  // namespace perchild
