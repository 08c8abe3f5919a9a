// perchild-master: starts and supervises routers and workers.
//
// Runs in: master.
// Trusts: the command, which made this process and placed its descriptors
// (privsep/inherited_fds.h).
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <cstdlib>

#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

constexpr int exit_cannot_start = 3;

Result<UniqueFd> take_signals() {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&set, signal);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return failure_from_errno("sigprocmask");
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.has_value()) return failure_from_errno("signalfd");
  // The hang-up of a terminal is no reason to stop.
  ::signal(SIGHUP, SIG_IGN);
  return signals;
}

Result<int> run(const ServerLog& log) {
  auto signals = take_signals();
  if (!signals) return failure(signals.error());
  auto packed = SealedMapping::map(BorrowedFd(MasterFds::site_table));
  if (!packed) return failure(packed.error());
  auto table = SiteTable::unpack(packed->bytes());
  if (!table) return failure({"load", "the site table", 0});
  auto site_channels = SiteChannels::make();
  if (!site_channels) return failure(site_channels.error());
  const auto filter = SealedMapping::map(BorrowedFd(MasterFds::master_filter));
  if (!filter) return failure(filter.error());
  const auto proof = lock_down<Role::master>(
      {.filter = filter->bytes(), .new_root = {}, .root_is_readable = false});
  if (!proof) return failure(proof.error());
  return MasterLoop(*proof, std::move(*packed), std::move(*table), std::move(*signals),
                    std::move(*site_channels), log)
      .run();
}

}  // namespace
}  // namespace perchild

int main() {
  ::prctl(PR_SET_NAME, "perchild-master");
  const perchild::ServerLog log("perchild", ::getenv("JOURNAL_STREAM"));
  const auto status = perchild::run(log);
  if (status) return *status;
  log.line(perchild::Priority::error, status.error().text());
  return perchild::exit_cannot_start;
}
