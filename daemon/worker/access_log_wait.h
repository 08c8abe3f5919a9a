// What a worker waits for between its lock-down and its loop.
//
// Runs in: worker, locked down.
// Trusts: the master.
#pragma once

#include "privsep/channel.h"
#include "privsep/messages.h"
#include "privsep/result.h"

namespace perchild {

// The master's first message after it has verified this process. `epoll` watches nothing yet, and
// does so again afterwards.
Result<UniqueFd> wait_for_access_log(Channel<Worker, Master>& master, BorrowedFd epoll);

}  // namespace perchild
