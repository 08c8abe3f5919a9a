// Landlock: what a process may do with files, TCP ports, abstract sockets and signals from now on.
//
// Runs in: router, worker, as a step of the lock-down.
// Trusts: the kernel.
#pragma once

#include <optional>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// The kernel's Landlock version; 0 if it has none.
int landlock_abi();

// Denies every file-system access but reading files and directories beneath `readable` and `also`
// (nothing at all if there is none), every bind and connect, and, where the kernel's version has
// scopes, reaching abstract sockets and processes outside. Descriptors that are open already keep
// working. Needs no_new_privs.
Result<void> restrict_with_landlock(std::optional<BorrowedFd> readable,
                                    std::optional<BorrowedFd> also = std::nullopt);

}  // namespace perchild
