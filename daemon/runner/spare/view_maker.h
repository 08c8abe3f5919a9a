// Makes the private view of the site that a spare becomes the runner of. The spare itself cannot:
// what it has loaded, and it, have their first Landlock layer from a time at which there is no
// site, and whoever has one cannot mount. So it has begun a process before that, which makes mounts
// in the namespace of both, once, and ends.
//
// Runs in: spare; a process of its own that it forks.
// Trusts: the spare.
#pragma once

#include <sys/types.h>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

class ViewMaker {
 public:
  // Before anything is given up.
  static Result<ViewMaker> start();

  // `identity` and `settings` are the runner's, `log` its site's error log, which says what failed.
  Result<void> make_view(BorrowedFd identity, BorrowedFd settings, BorrowedFd log);

 private:
  ViewMaker(::pid_t pid, UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}

  ::pid_t pid_;
  UniqueFd socket_;
};

}  // namespace perchild
