// A folder of a site's user that is /tmp of the site's programs.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "policy/ids.h"

namespace perchild {

// Of a folder that has been looked at without following it: what follows "the folder ..." if it is
// not `owner`'s alone to write. The command asks, and then the runner of what it finds there.
std::optional<std::string> objection_to_own_folder(const struct ::stat& status, Uid owner);

// Where a folder of the site's own takes the place of memory.
inline constexpr std::string_view places_of_tmp[] = {"/tmp", "/var/tmp"};

// The one of these in which `path` lies; else empty. Nothing there could be shown again: the way to
// it would lead through names that the site's user makes.
std::string_view tmp_that_hides(std::string_view path);

}  // namespace perchild
