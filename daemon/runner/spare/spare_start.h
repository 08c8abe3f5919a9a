// What a spare does, from its start to its end as a runner.
//
// Runs in: spare; then runner.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h); the interpreter while
// that is loaded, which is the operator's, with the operator's settings.
#pragma once

#include "privsep/result.h"

namespace perchild {

// The process's exit status.
Result<int> run_spare();

}  // namespace perchild
