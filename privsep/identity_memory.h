// Whom a process is to become, for one that takes its ids after its exec.
//
// Runs in: master (makes it), worker (takes it before all else).
// Trusts: the master, whose sealed memory it is.
#pragma once

#include "policy/ids.h"
#include "policy/role_policy.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

Result<UniqueFd> make_identity_memory(const Identity& identity);

// drop_to_identity(), of what that memory says. Closes it.
Result<void> take_identity(Role role, UniqueFd memory);

}  // namespace perchild
