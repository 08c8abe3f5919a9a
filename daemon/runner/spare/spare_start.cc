#include "daemon/runner/spare/spare_start.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/runner/runner_start.h"
#include "daemon/runner/spare/load.h"
#include "daemon/runner/spare/parts.h"
#include "daemon/runner/spare/view_maker.h"
#include "privsep/identity_memory.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

constexpr int exit_peer_failed = 1;

Result<void> put_into(int number, const UniqueFd& fd) {
  if (::dup3(fd.get(), number, O_CLOEXEC) >= 0) return {};
  return failure_from_errno("dup3");
}

}  // namespace

Result<int> run_spare() {
  auto signals = take_signals();
  if (!signals) return failure(signals.error());
  // While its files in /proc are its own.
  if (auto offered = offer_itself_first(); !offered) return failure(offered.error());
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  if (!packed) return failure(packed.error());
  auto settings = SpareSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the spare's settings", 0});
  auto view_maker = ViewMaker::start();
  if (!view_maker) return failure(view_maker.error());
  if (auto walled = wall_off(settings->landlock); !walled) return failure(walled.error());
  auto loaded = load(std::move(*settings));
  if (!loaded) return failure(loaded.error());

  Channel<Spare, Master> master{UniqueFd(ChildFds::control)};
  if (master.send(SpareLoaded{static_cast<std::uint32_t>(::getpid())}) != SendStatus::sent) {
    return exit_peer_failed;
  }
  // 2 is the service's log until the first part is there, then the site's.
  const auto log = wait_for(SparePart::log, master, *loaded);
  if (!log) return failure(log.error());
  if (auto put = put_into(ChildFds::log, *log); !put) return failure(put.error());
  auto cgroup_procs = wait_for(SparePart::cgroup, master, *loaded);
  if (!cgroup_procs) return failure(cgroup_procs.error());
  loaded->cgroup_procs = std::move(*cgroup_procs);
  auto identity = wait_for(SparePart::identity, master, *loaded);
  if (!identity) return failure(identity.error());
  auto settings_of_site = wait_for(SparePart::settings, master, *loaded);
  if (!settings_of_site) return failure(settings_of_site.error());
  if (auto made = view_maker->make_view(identity->borrow(), settings_of_site->borrow(),
                                        BorrowedFd(ChildFds::log));
      !made) {
    return failure(made.error());
  }
  if (auto put = put_into(ChildFds::settings, *settings_of_site); !put) return failure(put.error());
  if (auto taken = take_identity(Role::runner, std::move(*identity)); !taken) {
    return failure(taken.error());
  }
  ::prctl(PR_SET_NAME, "perchild-runner");
  // The runner's channel from here on.
  static_cast<void>(std::move(master).take_socket().release());
  return run_runner(std::move(*signals), std::move(*loaded));
}

}  // namespace perchild
