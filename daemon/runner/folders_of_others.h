// Folders in which the files of others lie, homes above all. Landlock forbids programs to read
// there but has no say on what they may look at: the size of a file, that it is used (inotify), a
// socket.
//
// Runs in: runner, before its lock-down.
// Trusts: its settings, the kernel.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace perchild {

// Those right below / and /var that are not the system's (Filesystem Hierarchy Standard), but for
// such as lie in one of `used` or are one: absolute paths.
std::vector<std::string> folders_of_others(std::span<const std::string> used);

}  // namespace perchild
