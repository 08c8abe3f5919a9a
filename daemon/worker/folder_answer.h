// What is said of a folder that has no index: what is in it, if the site wants that to be shown.
//
// Runs in: worker.
// Does not trust: the client; names of files, which may be an uploader's.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// `request.path` is that of a folder, and ends with '/'.
[[nodiscard]] Response folder_response(const Request& request);

}  // namespace perchild
