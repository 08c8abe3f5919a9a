// What a double of a role tries before it locks itself down for its part of the service: attacks of
// attacks.h, from where the role stands, with its ids, its descriptors and its capabilities. Those
// of the file "attacks" beside the executable, a "NAME ARGUMENT" in each line; the argument
// "parent" is the pid of a process that has the same ids.
//
// Each is made three times, in a process of its own:
//
//   unlocked     where the lock-down is left out
//   unfiltered   after the lock-down, without the role's system-call filter
//   locked       after the lock-down
//
// Results go to the log, as "attack MANNER NAME ARGUMENT: ERRNO"; 1000 and the signal where it was
// killed.
#pragma once

#include <string>

#include "privsep/lock_down.h"

namespace perchild::test {

void try_attacks(Role role, const LockDownPlan& plan);

// The contents of a file beside the executable; "" if there is none.
std::string read_beside_executable(const std::string& name);

}  // namespace perchild::test
