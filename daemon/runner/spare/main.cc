// perchild-spare: a runner that has no site yet, and in whose namespaces nobody exists. It has PHP
// loaded, waits until the master says whose it is, and then is that site's runner.
//
// Runs in: spare; then runner.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h); the interpreter while
// that is loaded, which is the operator's, with the operator's settings.
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/runner/spare/spare_start.h"

namespace {

constexpr int exit_cannot_start = 3;

}  // namespace

int main() {
  ::prctl(PR_SET_NAME, "perchild-spare");
  const auto status = perchild::run_spare();
  if (status) return *status;
  const std::string line = "[error] perchild-spare: " + status.error().text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
  return exit_cannot_start;
}
