#include "daemon/worker/access_log_wait.h"

#include <sys/epoll.h>

#include <utility>

namespace perchild {

Result<UniqueFd> wait_for_access_log(Channel<Worker, Master>& master, BorrowedFd epoll) {
  ::epoll_event event{EPOLLIN, {}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, master.fd().get(), &event) != 0) {
    return failure_from_errno("epoll_ctl", "master");
  }
  for (;;) {
    auto received = master.receive();
    if (received.status == Channel<Worker, Master>::Status::would_block) {
      ::epoll_wait(epoll.get(), &event, 1, -1);
      continue;
    }
    if (received.status != Channel<Worker, Master>::Status::message ||
        !std::holds_alternative<TakeAccessLog>(*received.message)) {
      return failure({"wait", "for the access log: the master has gone", 0});
    }
    ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, master.fd().get(), nullptr);
    return std::move(received.fd);
  }
}

}  // namespace perchild
