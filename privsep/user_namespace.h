// The user namespace that the service lives in: a few ids, each mapped to itself, and no others.
//
// Runs in: command, as root, once.
// Trusts: the configuration, checked.
#pragma once

#include "policy/id_map.h"
#include "privsep/result.h"

namespace perchild {

// Moves this single-threaded process, which must be root, into a new user namespace with these
// maps. It then has every capability in the new namespace and none in the old one; its own id, 0,
// is not mapped there, so the next thing to do is drop_to_identity().
Result<void> enter_user_namespace(const IdMap& uids, const IdMap& gids);

}  // namespace perchild
