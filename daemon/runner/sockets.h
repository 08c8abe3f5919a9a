// Unix sockets between programs and workers, in a folder that the site alone sees.
//
// Runs in: runner.
#pragma once

#include <string>

#include "policy/mail_settings.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// A mount of its own in the site's /dev/shm, made with that (private_view.h): whoever fills or
// empties /dev/shm leaves it as it is. Not in /tmp, which may be on a disk where others empty it.
class SocketFolder {
 public:
  static constexpr const char* path = program_sockets_folder;

  // A name that no socket has had.
  std::string next_path();

 private:
  std::uint64_t made_ = 0;
};

// Close-on-exec, and blocking: a program expects that.
Result<UniqueFd> listen_at(const std::string& path, int backlog);

// A non-blocking socket. It is connected at once or not at all: a Unix socket has nothing to wait
// for but room in its queue.
Result<UniqueFd> connect_to(const std::string& path);

struct ConnectedPair {
  UniqueFd ours;  // non-blocking
  UniqueFd theirs;
};
Result<ConnectedPair> make_connected_pair();

}  // namespace perchild
