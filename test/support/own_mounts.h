// What a process and its children alone see mounted, so that a test's machine differs for a server.
#pragma once

#include <string>

namespace perchild::test {

// From now on the caller's mounts are seen by nobody else. False: errno says why.
bool have_own_mounts();

// In place of the folder `place` is one below `folder` that has this program alone. Throws.
void show_only_program(const std::string& folder, const std::string& place, const std::string& name,
                       const std::string& script);

}  // namespace perchild::test
