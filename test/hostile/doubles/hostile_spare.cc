// In place of perchild-spare. The file "spare-order" beside the executable says how it behaves:
//
//   garbage, early_lock_down, wrong_pid, with_descriptor, not_itself
//              says to the master what a spare may not, or is not what it says
//   twice      says that it is loaded, and again
//   dies       ends when it is given a site
//   silent     takes a site, and then does nothing
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <string>

#include "privsep/capabilities.h"
#include "privsep/channel.h"
#include "privsep/inherited_fds.h"
#include "privsep/spare_messages.h"
#include "test/hostile/doubles/tries.h"

namespace perchild::test {
namespace {

void speak(BorrowedFd master, const std::string& order) {
  const std::array<std::byte, 7> garbage{std::byte{9}, std::byte{9}};
  const std::array<BorrowedFd, 1> descriptor{BorrowedFd(ChildFds::log)};
  const auto loaded = encode(SpareLoaded{order == "wrong_pid" ? 2U : 1U});
  const auto send = [&](auto bytes, std::span<const BorrowedFd> fds = {}) {
    static_cast<void>(send_with_fds(master, bytes, fds));
  };
  if (order == "garbage") return send(garbage);
  if (order == "early_lock_down") return send(encode(LockDownComplete{1}));
  if (order == "with_descriptor") return send(loaded, descriptor);
  if (order == "not_itself") static_cast<void>(keep_only_capabilities(0));
  send(loaded);
  if (order == "twice") send(loaded);
}

int run() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  std::string order;
  std::istringstream(read_beside_executable("spare-order")) >> order;
  const BorrowedFd master(ChildFds::control);
  speak(master, order);
  std::array<std::byte, 64> bytes;
  for (;;) {
    ::pollfd polled{master.get(), POLLIN, 0};
    ::poll(&polled, 1, -1);
    const ReceivedBytes received = receive_with_fds(master, bytes);
    if (received.status == ReceiveStatus::peer_gone || order == "dies") return 1;
  }
}

}  // namespace
}  // namespace perchild::test

int main() {
  ::prctl(PR_SET_NAME, "perchild-spare");
  return perchild::test::run();
}
