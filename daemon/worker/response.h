// A response that is ready to be sent: the head, then the body from memory or from a file.
//
// Runs in: worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "privsep/unique_fd.h"
#include "vhosts/files/encoder.h"
#include "vhosts/files/file_cache.h"
#include "vhosts/files/multipart.h"

namespace perchild {

// The views point into the connection's buffer, the pinned file or constants.
struct Response {
  int status = 0;
  std::string_view head;
  std::string_view body;
  files::PinnedFile pinned;  // keeps `body`
  UniqueFd file;             // else the body: `file_size` bytes from `file_offset` on
  std::uint64_t file_offset = 0;
  std::uint64_t file_size = 0;
  files::EncoderPool::Lease encoder;   // through which the file goes, to be sent in chunks
  std::vector<files::BodyPart> parts;  // else these, each with its bytes of `body` or `file`
  bool is_last = false;                // the connection is closed after it
  std::string_view problem;            // for the error log; empty if there is nothing to say
  std::string_view subject;            // what the problem is about
  int error = 0;                       // an errno that goes with it
  std::string content_type{};          // of a file, where the site's rules ask for it
  std::string_view user;               // for the access log
};

}  // namespace perchild
