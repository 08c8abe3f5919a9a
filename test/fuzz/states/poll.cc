// poll(2) as stage.cc has the other waits, for loops that call that.
#include <poll.h>

#include "test/fuzz/states/stage.h"

extern "C" {
int __real_poll(::pollfd*, ::nfds_t, int);
int __wrap_poll(::pollfd*, ::nfds_t, int);
}

int __wrap_poll(::pollfd* fds, ::nfds_t count, int timeout) {
  std::optional<perchild::Clock::duration> wait;
  if (timeout >= 0) wait = std::chrono::milliseconds(timeout);
  return perchild::fuzz::Stage::current().wait([&] { return __real_poll(fds, count, 0); }, wait);
}
