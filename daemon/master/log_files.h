// The sites' log files: the one thing that the master opens for writing.
//
// Runs in: master.
// Trusts: the log directory, in which nobody but its own uid and root can make an entry.
#pragma once

#include <string>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

enum class LogKind : bool { access, error };

// Opens, or makes with mode 0640, `<site>.access.log` or `<site>.error.log` for appending. A link,
// a file of somebody else's, or one with a second name is an error.
Result<UniqueFd> open_log_file(BorrowedFd directory, const std::string& site, LogKind kind);

}  // namespace perchild
