// `perchild reopen`: the logs have been moved away, write to new files.
//
// Runs in: command, as root.
#pragma once

#include <iosfwd>
#include <string>

namespace perchild {

// The exit status: 0, or 1 if a log cannot be opened or no server is there.
[[nodiscard]] int run_reopen(const std::string& runtime_dir, std::ostream& errors);

}  // namespace perchild
