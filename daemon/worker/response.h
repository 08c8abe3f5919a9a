// A response that is ready to be sent: the head, then the body from memory or from a file.
//
// Runs in: worker.
#pragma once

#include <cstdint>
#include <string_view>

#include "privsep/unique_fd.h"
#include "vhosts/files/file_cache.h"

namespace perchild {

// The views point into the connection's buffer, the pinned file or constants.
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

}  // namespace perchild
