// perchild-worker: serves one site, under its uid. perchild-tls-worker is the same with TLS, for
// sites that have a certificate.
//
// Runs in: worker.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h).
// Does not trust: clients; files, which the site's owner may change under it at any time; the
// site's other workers, who write into the memory that they share.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/worker/access_log_wait.h"
#include "daemon/worker/worker_loop.h"
#include "privsep/identity_memory.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/shared_memory.h"

namespace perchild {
namespace {

constexpr int exit_cannot_start = 3;

Result<int> run() {
  // Until here with the master's ids and rights; nothing has been read that is the site's.
  if (auto r = take_identity(Role::worker, UniqueFd(ChildFds::identity)); !r) {
    return failure(r.error());
  }
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  if (!packed) return failure(packed.error());
  auto settings = SiteSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the site's settings", 0});
  access::VisitorMemory* visitors = nullptr;
  if (const UniqueFd memory(ChildFds::visitors); settings->shares_visitors) {
    const auto mapped = map_shared_memory(memory.borrow(), sizeof *visitors);
    if (!mapped) return failure(mapped.error());
    visitors = &access::VisitorMemory::in(*mapped);
  }
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!filter) return failure(filter.error());
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.has_value()) return failure_from_errno("epoll_create1");
  logs::LogClock::load();
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) return failure_from_errno("getrandom");
  const ::uid_t owner = ::geteuid();
  auto tls = TlsSite::make(*settings);
  if (!tls) return failure(tls.error());
  // As the site's user: it must be able to enter, and nobody else is asked.
  UniqueFd root(::open(settings->root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.has_value()) return failure_from_errno("open", settings->root);
  UniqueFd acme(ChildFds::acme_webroot);
  if (!settings->acme) acme.reset();

  const auto proof = lock_down<Role::worker>({.filter = filter->bytes(),
                                              .new_root = root.borrow(),
                                              .root_is_readable = true,
                                              .also_readable = acme.borrow_if_any(),
                                              .landlock = settings->landlock,
                                              .memory = settings->limits.quota.memory});
  if (!proof) return failure(proof.error());

  Channel<Worker, Master> master{UniqueFd(ChildFds::control)};
  if (master.send(LockDownComplete{static_cast<std::uint32_t>(::getpid())}) != SendStatus::sent) {
    return failure({"tell", "the master that the lock-down is complete", 0});
  }
  const auto access_log = wait_for_access_log(master, epoll.borrow());
  if (!access_log) return failure(access_log.error());
  ServedSite site(std::move(*settings), files::Docroot(std::move(root), owner),
                  BorrowedFd(ChildFds::log), access_log->borrow(), seed, visitors);
  if (acme.has_value()) site.acme.emplace(std::move(acme));
  const std::uint32_t incarnation = static_cast<std::uint32_t>(seed >> 32) | 1;
  WorkerLoop loop(*proof, site, std::move(master), std::move(epoll), incarnation, std::move(*tls),
                  find_http2_server());
  return loop.run();
}

}  // namespace
}  // namespace perchild

int main() {
  ::prctl(PR_SET_NAME, "perchild-worker");
  const auto status = perchild::run();
  if (status) return *status;
  // stderr is the site's error log.
  const std::string line = "[error] perchild-worker: " + status.error().text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
  return perchild::exit_cannot_start;
}
