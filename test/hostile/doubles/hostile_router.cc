// In place of perchild-router: the real loop after the real lock-down, until a client asks for
// "/attack/NAME". The file "router-order" beside the executable makes it misbehave at its start:
//
//   wrong_pid     its first message claims to be another process
//   early         says something else before its lock-down is complete
//   not_locked    says that it is locked down, and is not
//
// Before, it makes the attacks of "attacks" (tries.h).
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <string>
#include <string_view>

#include "daemon/router/router.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/server_log.h"
#include "test/hostile/doubles/hostile_router_attacks.h"
#include "test/hostile/doubles/tries.h"

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names for --wrap
int __real_accept4(int fd, ::sockaddr* address, ::socklen_t* length, int flags);
int __wrap_accept4(int fd, ::sockaddr* address, ::socklen_t* length, int flags) {
  const int accepted = __real_accept4(fd, address, length, flags);
  if (accepted < 0) return accepted;
  char bytes[256];
  const ssize_t got = ::recv(accepted, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
  const std::string_view head(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
  constexpr std::string_view sign = "GET /attack/";
  if (!head.starts_with(sign)) return accepted;
  perchild::test::attack_as_router(
      head.substr(sign.size(), head.find(' ', sign.size()) - sign.size()), accepted, fd);
  ::close(accepted);
  errno = ECONNABORTED;
  return -1;
}
// NOLINTEND(bugprone-reserved-identifier)
}

namespace perchild::test {
namespace {

std::string read_order() {
  std::string order;
  std::istringstream(read_beside_executable("router-order")) >> order;
  return order;
}

void wait_for_the_end(BorrowedFd epoll) {
  ::epoll_event event{EPOLLIN, {}};
  ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ChildFds::control, &event);
  char byte;
  // What comes is taken and ignored; the kill is awaited.
  while (::epoll_wait(epoll.get(), &event, 1, -1) != 1 ||
         ::recv(ChildFds::control, &byte, 1, MSG_DONTWAIT) != 0) {
  }
}

int run() {
  const ServerLog log("perchild-router", nullptr);
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd reserve(::dup(epoll.get()));
  const auto routes = SealedMapping::map(BorrowedFd(ChildFds::routes));
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!routes || !packed || !filter) return 3;
  const auto table = RouteTable::load(routes->bytes());
  const auto settings = RouterSettings::unpack(packed->bytes());
  const std::string order = read_order();
  const auto pid = static_cast<std::uint32_t>(::getpid());
  Channel<Router, Master> master{UniqueFd(ChildFds::control)};
  if (order == "early" || order == "not_locked") {
    static_cast<void>(order == "early" ? master.send(Wake{{0}})
                                       : master.send(LockDownComplete{pid}));
    wait_for_the_end(epoll.borrow());
    return 0;
  }
  UniqueFd root(ChildFds::root);
  const LockDownPlan plan{.filter = filter->bytes(), .new_root = root.borrow()};
  try_attacks(Role::router, plan);
  const auto proof = lock_down<Role::router>(plan);
  if (!proof) return 3;
  root.reset();
  const std::uint32_t claimed = order == "wrong_pid" ? pid + 1 : pid;
  static_cast<void>(master.send(LockDownComplete{claimed}));
  RouterLoop loop(*proof, *table, *settings, std::move(master), std::move(epoll),
                  std::move(reserve), log);
  return loop.run();
}

}  // namespace
}  // namespace perchild::test

int main() {
  ::prctl(PR_SET_NAME, "perchild-router");
  return perchild::test::run();
}
