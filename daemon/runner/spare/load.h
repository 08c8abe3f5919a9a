// What a spare does before it has a site: it gives up what it can, and loads PHP.
//
// Runs in: spare.
// Trusts: the interpreter while that is loaded, which is the operator's, with the operator's
// settings.
#pragma once

#include "daemon/runner/loaded_program.h"
#include "privsep/result.h"

namespace perchild {

// What a runner does first of all and its programs inherit.
Result<void> wall_off(Requirement landlock);

// As a fork server that is nobody's yet.
Result<LoadedProgram> load(SpareSettings settings);

}  // namespace perchild
