// Opens a path whose symbolic links are followed only where link and target have one owner: what
// Apache calls SymLinksIfOwnerMatch, without its race. Nothing is looked at by name twice: a link
// is read through the very descriptor whose owner was asked, and what it leads to is judged once it
// is open.
//
// Slow, and only for paths with a link in them. Links out of the docroot are not followed at all.
#pragma once

#include <cstdint>
#include <string_view>

#include "privsep/unique_fd.h"

namespace perchild::files {

// `path`: decoded and relative. `flags` are those for the last file; a directory is opened O_PATH.
// No value: errno says why, EACCES where owners differ.
[[nodiscard]] UniqueFd open_owner_matched(BorrowedFd root, std::string_view path,
                                          std::uint64_t flags);

}  // namespace perchild::files
