// Unix sockets between programs and workers, in a folder that the site alone sees.
//
// Runs in: runner.
#pragma once

#include <string>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// In the site's own /tmp. It goes with that.
class SocketFolder {
 public:
  static Result<SocketFolder> make();
  // A name that no socket has had.
  std::string next_path();

 private:
  explicit SocketFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::uint64_t made_ = 0;
};

// Close-on-exec, and blocking: a program expects that.
Result<UniqueFd> listen_at(const std::string& path, int backlog);

// A non-blocking socket. It is connected at once or not at all: a Unix socket has nothing to wait
// for but room in its queue.
Result<UniqueFd> connect_to(const std::string& path);

}  // namespace perchild
