// Who descends from a process, and has left its process group.
//
// Runs in: runner, which as PID 1 sees all of its site's programs in /proc, and no others.
// Does not trust: programs. One whose parents have ended is nobody's descendant any more.
#pragma once

#include <sys/types.h>

#include <vector>

namespace perchild {

// None where there is no /proc. `leader` leads a process group.
std::vector<::pid_t> descendants_outside_group(::pid_t leader);

}  // namespace perchild
