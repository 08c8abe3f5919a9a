// SEQPACKET sockets with a name in the file system.
//
// Runs in: command (binds, connects), master (accepts); runner and sendmail likewise.
// Trusts: the folder, in which nobody but root, or the site, can make an entry; the kernel's word
// for who has connected.
#pragma once

#include <string>

#include "policy/ids.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// Binds `name` in `directory` (`path` in messages) with this mode and listens. One that nobody
// listens to any more is replaced; if somebody does, that is an error.
Result<UniqueFd> listen_local(BorrowedFd directory, const std::string& path,
                              const std::string& name, unsigned mode);

// Connects to `name` in the folder `path`. Non-blocking, close-on-exec.
Result<UniqueFd> connect_local(const std::string& path, const std::string& name);

// The next connection; an error of EAGAIN if there is none.
Result<UniqueFd> accept_local(BorrowedFd listener);

// What the kernel shows of a user who is not mapped here: sysctl kernel.overflowuid.
inline constexpr Uid unmapped_uid{65'534};

// Who made the connection: the effective uid at that time.
Result<Uid> peer_uid(BorrowedFd connection);

}  // namespace perchild
