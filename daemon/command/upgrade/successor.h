// The service that an upgrade starts beside the one that runs, until it serves.
//
// Runs in: command, as root; its child becomes the successor's master.
// Trusts: itself; the successor for when it serves.
#pragma once

#include <sys/types.h>

#include "daemon/command/serve/inheritance.h"
#include "policy/configuration.h"
#include "privsep/result.h"
#include "privsep/server_log.h"
#include "privsep/unique_fd.h"

namespace perchild {

struct Successor {
  ::pid_t pid;
  UniqueFd pidfd;
  UniqueFd notify;  // where it says READY=1
};

// A process that becomes the successor's master, or says on stderr why it cannot.
Result<Successor> start_successor(Configuration& configuration, Inheritance inherited,
                                  const ServerLog& log);
// Waits until it does, or will not.
bool serves(const Successor& successor);
void end_successor(const Successor& successor);

}  // namespace perchild
