// Responses that are made of a file, or say where it is.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// The response that a GET or HEAD gets for a file that the cache has found at `path`, with the
// request's conditions, ranges and Accept-Encoding. `path` is what the cache was asked for.
[[nodiscard]] Response file_response(const Request& request, std::string_view path,
                                     files::Answer found);

// A file as the page for an error: of its status, and with nothing that would let it be kept or
// asked for in part. `more_fields` are whole lines.
[[nodiscard]] Response page_response(const Request& request, int status, files::Answer found,
                                     std::string_view more_fields);

// To the name of a directory with its slash.
[[nodiscard]] Response slash_response(const Request& request);

}  // namespace perchild
