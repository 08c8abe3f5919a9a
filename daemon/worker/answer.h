// From a request's head to its response, without any waiting.
//
// Runs in: worker.
// Does not trust: the client. The file system is reached through files::Docroot only.
#pragma once

#include <cstdint>
#include <string_view>

#include "daemon/worker/connection.h"
#include "daemon/worker/served_site.h"
#include "privsep/unique_fd.h"
#include "vhosts/files/file_cache.h"
#include "vhosts/files/response_head.h"
#include "vhosts/http1/request_head.h"

namespace perchild {

// A response that is ready to be sent: the head, then the body from memory or from a file. The
// views point into the connection's buffer, the pinned file or constants.
struct Response {
  int status = 0;
  std::string_view head;
  std::string_view body;
  files::PinnedFile pinned;  // keeps `body`
  UniqueFd file;             // else the body, of `file_size` bytes
  std::uint64_t file_size = 0;
  bool is_last = false;      // the connection is closed after it
  std::string_view problem;  // for the error log; empty if there is nothing to say
  int error = 0;             // an errno that goes with it
};

// The page for `status`. `head_only`: the request was HEAD.
Response error_response(const ServedSite& site, IoBuffer& buffer, int status,
                        files::Persistence persistence, bool head_only,
                        std::string_view more_fields = {});

// The answer to a GET, HEAD or OPTIONS; anything else is answered 405 or 501.
Response answer(ServedSite& site, IoBuffer& buffer, const http1::RequestHead& head,
                files::Persistence persistence);

}  // namespace perchild
