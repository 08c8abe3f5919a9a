// Sessions of PHP, which lie in the site's /tmp and would go with it when the site sleeps: from one
// runner to the next.
//
// Runs in: runner.
// Does not trust: the folder, where programs have made what they liked.
#pragma once

#include <chrono>
#include <string>

#include "privsep/unique_fd.h"

namespace perchild {

// Those in `folder` that have been used within `lifetime`, into memory as of KeepSessions: as many
// as it holds of those that were used last. Nothing is written where there are none.
void keep_sessions(const std::string& folder, std::chrono::nanoseconds lifetime, BorrowedFd memory);

// Into `folder`, where none is replaced.
void take_sessions(BorrowedFd memory, const std::string& folder);

}  // namespace perchild
