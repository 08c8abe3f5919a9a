// Responses that are made of a file, or say where it is.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// 200 or 304 for a file that the cache has found. Of a HEAD, without the body.
[[nodiscard]] Response file_response(const Request& request, files::Answer found);

// To the name of a directory with its slash.
[[nodiscard]] Response slash_response(const Request& request);

}  // namespace perchild
