// openat2(2) that never leaves a directory.
#pragma once

#include <linux/openat2.h>

#include <cstdint>

#include "privsep/unique_fd.h"

namespace perchild::files {

// `resolve`: more of openat2's RESOLVE_ flags. No value: errno says why.
[[nodiscard]] UniqueFd open_beneath(BorrowedFd directory, const char* path, std::uint64_t flags,
                                    std::uint64_t resolve = 0);

}  // namespace perchild::files
