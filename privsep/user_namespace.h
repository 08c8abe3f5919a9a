// The user namespace that the service lives in: a few ids, each mapped to itself, and no others.
//
// Runs in: command, as root, once.
// Trusts: the configuration, checked.
#pragma once

#include "policy/id_map.h"
#include "policy/ids.h"
#include "privsep/result.h"

namespace perchild {

// Moves this single-threaded process, which must be root, into a new user namespace with these
// maps. It then has every capability in the new namespace and none in the old one; its own id, 0,
// is not mapped there, so the next thing to do is drop_to_identity().
//
// The namespace belongs to `owner`, as whom no process outside of it may run: to it the machine
// counts what is bounded for each user (inotify, signals that wait), and root's own is left alone.
Result<void> enter_user_namespace(const IdMap& uids, const IdMap& gids, Uid owner);

}  // namespace perchild
