// perchild-keeper: holds the private keys of all sites, and signs with them.
//
// Runs in: keeper.
// Trusts: the master, which placed its descriptors (privsep/inherited_fds.h).
// Does not trust: workers.
#include <openssl/crypto.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "daemon/keeper/keeper_loop.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/server_log.h"
#include "vhosts/sites/router_settings.h"

namespace perchild {
namespace {

constexpr int exit_cannot_start = 3;

// Where OpenSSL has the private parts of keys: locked, between pages that nobody can touch, and
// wiped. Half of what may be locked; the other half is for the memory that the keys come in.
Result<void> make_locked_heap() {
  constexpr std::size_t most = 64UL * 1024 * 1024;  // of some 50,000 sites that are awake
  constexpr std::size_t smallest_block = 32;
  ::rlimit limit;
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return failure_from_errno("getrlimit");
  const std::size_t size = std::bit_floor(std::min<std::size_t>(limit.rlim_cur / 2, most));
  if (::CRYPTO_secure_malloc_init(size, smallest_block) != 1) {
    return failure({"lock", "memory for keys: RLIMIT_MEMLOCK (LimitMEMLOCK=) is too low", 0});
  }
  return {};
}

Result<int> run() {
  if (::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) {
    return failure({"prepare", "OpenSSL", 0});
  }
  if (auto made = make_locked_heap(); !made) return failure(made.error());
  if (!warm_up_signing()) return failure({"prepare", "OpenSSL for signatures", 0});
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.has_value()) return failure_from_errno("epoll_create1");
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!filter) return failure(filter.error());
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  if (!packed) return failure(packed.error());
  const auto settings = RouterSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the settings", 0});

  UniqueFd root(ChildFds::keeper_root);
  const auto proof = lock_down<Role::keeper>({.filter = filter->bytes(),
                                              .new_root = root.borrow(),
                                              .root_is_readable = false,
                                              .landlock = settings->landlock});
  if (!proof) return failure(proof.error());
  root.reset();

  Channel<Keeper, Master> master{UniqueFd(ChildFds::control)};
  if (master.send(LockDownComplete{static_cast<std::uint32_t>(::getpid())}) != SendStatus::sent) {
    return failure({"tell", "the master that the lock-down is complete", 0});
  }
  return KeeperLoop(*proof, std::move(master), std::move(epoll)).run();
}

}  // namespace
}  // namespace perchild

int main() {
  ::prctl(PR_SET_NAME, "perchild-keeper");
  const auto status = perchild::run();
  if (status) return *status;
  perchild::ServerLog("perchild-keeper", ::getenv("JOURNAL_STREAM"))
      .line(perchild::Priority::error, status.error().text());
  return perchild::exit_cannot_start;
}
