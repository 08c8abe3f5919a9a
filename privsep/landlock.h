// Landlock: what a process may do with files, TCP ports, abstract sockets and signals from now on.
//
// Runs in: every role but the master, as a step of the lock-down.
// Trusts: the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

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

// What a site's programs may do beneath a directory, or with a file.
enum class FileAccess : std::uint8_t {
  read,
  execute,            // and read
  write,              // and read, make, remove
  write_and_execute,  // all of these
};

struct PermittedPath {
  BorrowedFd fd;  // O_PATH
  FileAccess access;
};

// For a site's runner, and so for all programs that it starts, in two layers. The first is the same
// for all sites: denies every bind to a TCP port but one that the kernel chooses, since the ports
// of a machine are its operator's to give away; and, where the kernel's version has scopes,
// reaching abstract sockets and processes outside of the layer. Processes that are to reach each
// other have it from one that is the parent of all. Who has it cannot mount any more.
Result<void> restrict_reach_of_programs();
// The second is the site's own: denies every file-system access but these, and every connect to a
// TCP port but `connect`, if that says anything.
using PermittedPorts = std::optional<std::span<const std::uint16_t>>;
Result<UniqueFd> make_ruleset_of_programs(std::span<const PermittedPath> permitted,
                                          PermittedPorts connect);
// Or it is an error to say anything.
bool landlock_knows_ports();
Result<void> restrict_with_ruleset(BorrowedFd ruleset);

}  // namespace perchild
