// perchild-runner: starts the programs of one site, under the site's uid, as PID 1 of namespaces of
// the site's own. The only process of a site that may exec; its end is the end of all of them.
//
// Runs in: runner.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h).
// Does not trust: its site's workers, which read the network; programs.
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/runner/runner_start.h"

namespace perchild {
namespace {

constexpr int exit_cannot_start = 3;

Result<int> run() {
  auto signals = take_signals();
  if (!signals) return failure(signals.error());
  if (auto offered = offer_itself_first(); !offered) return failure(offered.error());
  return run_runner(std::move(*signals), std::nullopt);
}

}  // namespace
}  // namespace perchild

int main() {
  ::prctl(PR_SET_NAME, "perchild-runner");
  const auto status = perchild::run();
  if (status) return *status;
  // stderr is the site's error log.
  const std::string line = "[error] perchild-runner: " + status.error().text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
  return perchild::exit_cannot_start;
}
