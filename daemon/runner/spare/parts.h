// How a spare hears whose it is.
//
// Runs in: spare.
// Trusts: the master.
#pragma once

#include "daemon/runner/loaded_program.h"
#include "privsep/channel.h"
#include "privsep/result.h"
#include "privsep/spare_messages.h"

namespace perchild {

// The next part, which must be this one. An error if the master, or what is loaded, ends before.
Result<UniqueFd> wait_for(SparePart part, Channel<Spare, Master>& master,
                          const LoadedProgram& loaded);

}  // namespace perchild
