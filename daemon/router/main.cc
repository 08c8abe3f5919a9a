// perchild-router: hands each connection to the worker of the site that it asks for.
//
// Runs in: router.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h).
// Does not trust: clients, workers.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>

#include "daemon/router/router.h"
#include "privsep/inherited_fds.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"
#include "privsep/server_log.h"

namespace perchild {
namespace {

constexpr int exit_cannot_start = 3;

Result<int> run() {
  const ServerLog log("perchild-router", ::getenv("JOURNAL_STREAM"));
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.has_value()) return failure_from_errno("epoll_create1");
  UniqueFd reserve(::dup(epoll.get()));
  auto routes = SealedMapping::map(BorrowedFd(ChildFds::routes));
  if (!routes) return failure(routes.error());
  const auto table = RouteTable::load(routes->bytes());
  if (!table) return failure({"load", "the route table", 0});
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  if (!packed) return failure(packed.error());
  const auto settings = RouterSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the router's settings", 0});
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!filter) return failure(filter.error());

  UniqueFd root(ChildFds::root);
  const auto proof = lock_down<Role::router>({.filter = filter->bytes(),
                                              .new_root = root.borrow(),
                                              .root_is_readable = false,
                                              .landlock = settings->landlock});
  if (!proof) return failure(proof.error());
  root.reset();

  Channel<Router, Master> master{UniqueFd(ChildFds::control)};
  if (master.send(LockDownComplete{static_cast<std::uint32_t>(::getpid())}) != SendStatus::sent) {
    return failure({"tell", "the master that the lock-down is complete", 0});
  }
  RouterLoop loop(*proof, *table, *settings, std::move(master), std::move(epoll),
                  std::move(reserve), log);
  return loop.run();
}

}  // namespace
}  // namespace perchild

int main() {
  ::prctl(PR_SET_NAME, "perchild-router");
  const auto status = perchild::run();
  if (status) return *status;
  perchild::ServerLog("perchild-router", ::getenv("JOURNAL_STREAM"))
      .line(perchild::Priority::error, status.error().text());
  return perchild::exit_cannot_start;
}
