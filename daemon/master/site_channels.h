// Which of the sites' processes has said something. There are thousands, most of them silent: in
// the master's own ppoll each would cost every turn of its loop a look.
//
// Runs in: master.
#pragma once

#include <sys/epoll.h>

#include <vector>

#include "policy/ids.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

class SiteChannels {
 public:
  // For the master's ppoll: readable while any of them is.
  static Result<SiteChannels> make();
  BorrowedFd fd() const { return epoll_.borrow(); }

  // Until it is closed. The master may be told of one that has been: a child between its fork and
  // its exec has it open too.
  Result<void> watch(SiteId site, BorrowedFd channel);

  struct Readable {
    SiteId site;
    int fd;
  };
  // As many as there is room for; the others come next time.
  std::vector<Readable> readable() const;
  static constexpr std::size_t most_at_once = 1024;

 private:
  explicit SiteChannels(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  UniqueFd epoll_;
};

}  // namespace perchild
