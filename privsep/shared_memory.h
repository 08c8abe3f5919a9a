// Memory of a fixed size that processes of one site share, to read and write.
//
// Runs in: master (makes it, and never maps it), worker (maps it).
// Does not trust: the others, who can write anything into it at any moment. They cannot take it
// away under its reader: its size is sealed.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// Zeros, close-on-exec. `name` shows in /proc only.
Result<UniqueFd> make_shared_memory(const std::string& name, std::size_t size);

// For the rest of the process's life. An error if it is not memory of that size with its seals.
Result<std::span<std::byte>> map_shared_memory(BorrowedFd memory, std::size_t size);

}  // namespace perchild
