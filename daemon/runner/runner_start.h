// What a process does to become a site's runner, from the moment it has the site's ids: its private
// view, its lock-down, its loop.
//
// Runs in: runner.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h).
#pragma once

#include <optional>

#include "daemon/runner/loaded_program.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// SIGCHLD, as a descriptor.
Result<UniqueFd> take_signals();

// Where the site's memory is short, its programs are to end before its workers.
Result<void> offer_itself_first();

// The process's exit status. One that has loaded a program as a spare has its private view already.
Result<int> run_runner(UniqueFd signals, std::optional<LoadedProgram> loaded);

}  // namespace perchild
