// Visitors, by loopback.
#pragma once

#include <cstdint>

#include "privsep/unique_fd.h"

namespace perchild::fuzz {

UniqueFd loopback_listener();
// None if it does not listen. Its close leaves nothing behind for the kernel to remember.
UniqueFd connect_to(BorrowedFd listener);
std::uint16_t port_of(BorrowedFd socket);

}  // namespace perchild::fuzz
