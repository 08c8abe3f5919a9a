// Looks at every name in a site's root, within bounds.
//
// Runs in: examiner.
// Does not trust: the site's user, who may put other things in the place of names meanwhile. Each
// folder is opened by its whole path, beneath the root and through no link, each name in it through
// the folder's descriptor; what is found is only ever looked at.
#pragma once

#include "policy/docroot_troubles.h"
#include "privsep/unique_fd.h"

namespace perchild {

RootReport walk_root(BorrowedFd root, const RootExamination& examination, const RootOwner& owner);

}  // namespace perchild
