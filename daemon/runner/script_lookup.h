// A CGI script by its path below the docroot: found without following any link, and looked at
// before it may run.
//
// Runs in: runner.
// Does not trust: the path, which a visitor chose.
#pragma once

#include <sys/types.h>

#include <string>

#include "privsep/runner_messages.h"
#include "privsep/unique_fd.h"

namespace perchild {

struct FoundScript {
  UniqueFd folder;      // that it is in, O_PATH
  std::string command;  // "./name"
  NotAcquiredReason refusal{};
  std::string complaint{};  // empty if it may run: else what is wrong, for the log
};

// `root`: the docroot. It must be a regular file of `owner`, executable by him, and neither it nor
// any folder between it and the docroot, nor the one that it is in, writable for anybody else: what
// suexec has made the rule. Such folders are the owner's as well, but for the docroot itself; the
// file is of his `group`, and changes neither when it is run.
FoundScript find_script(BorrowedFd root, const std::string& path, ::uid_t owner, ::gid_t group);

// Why `script`, which has been found, cannot be run, for the log: `error` is exec's. Empty if it
// may do the next time.
std::string why_not_run(const FoundScript& script, int error);

}  // namespace perchild
