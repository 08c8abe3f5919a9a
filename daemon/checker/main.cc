// perchild-checker: checks the passwords of one site's visitors, under the site's uid, so that a
// costly hash holds up no request and a worker never sees one.
//
// Runs in: checker.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h).
// Does not trust: its site's workers, which read the network; password files.
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/checker/checker_loop.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "vhosts/logs/error_log.h"
#include "vhosts/sites/checker_settings.h"

namespace perchild {
namespace {

constexpr int exit_cannot_start = 3;

void log_complaints(const std::vector<std::string>& complaints) {
  logs::LogClock::load();
  const logs::LogClock clock(::time(nullptr));
  logs::ErrorLog log(BorrowedFd(ChildFds::log), clock);
  for (const std::string& complaint : complaints) log.add({.message = complaint});
  log.flush();
}

Result<int> run() {
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  if (!packed) return failure(packed.error());
  const auto settings = CheckerSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the checker's settings", 0});
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!filter) return failure(filter.error());
  access::HashKey key;
  if (::getrandom(&key, sizeof key, 0) != sizeof key) return failure_from_errno("getrandom");
  Hashing hashing;
  if (!hashing.ready()) return failure({"load", "MD5 of libcrypto", 0});
  std::vector<std::string> complaints;
  const PasswordLists lists(settings->lists, key, complaints);
  if (!complaints.empty()) log_complaints(complaints);

  const auto proof = lock_down<Role::checker>({.filter = filter->bytes(),
                                               .new_root = BorrowedFd(ChildFds::checker_root),
                                               .landlock = settings->landlock});
  if (!proof) return failure(proof.error());
  Channel<Checker, Master> master{UniqueFd(ChildFds::control)};
  if (master.send(LockDownComplete{static_cast<std::uint32_t>(::getpid())}) != SendStatus::sent) {
    return failure({"tell", "the master that the lock-down is complete", 0});
  }
  return CheckerLoop(*proof, std::move(master), lists, hashing).run();
}

}  // namespace
}  // namespace perchild

int main() {
  ::prctl(PR_SET_NAME, "perchild-checke");  // the kernel has room for 15 characters
  const auto status = perchild::run();
  if (status) return *status;
  // stderr is the site's error log.
  const std::string line = "[error] perchild-checker: " + status.error().text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
  return perchild::exit_cannot_start;
}
