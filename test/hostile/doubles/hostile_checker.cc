// In place of perchild-checker. The name of the first user of its first list says how it behaves:
//
//   tell_master WHAT    sends the master what a checker may not, once it is believed
//   tell_worker WHAT    answers each channel to a worker so
//   behave              says that every password is right
//
// It locks itself down as the real one does, having made the attacks of "attacks" (tries.h).
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "privsep/channel.h"
#include "privsep/checker_messages.h"
#include "privsep/inherited_fds.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"
#include "test/hostile/doubles/tries.h"
#include "vhosts/sites/checker_settings.h"

namespace perchild::test {
namespace {

void misbehave(BorrowedFd socket, const std::string& what) {
  const std::array<std::byte, 7> garbage{std::byte{9}, std::byte{9}};
  const std::array<BorrowedFd, 1> descriptor{BorrowedFd(ChildFds::log)};
  if (what == "garbage") static_cast<void>(send_with_fds(socket, garbage, {}));
  if (what == "descriptor") {
    static_cast<void>(
        send_with_fds(socket, encode(PasswordAnswer{1, PasswordVerdict::right}), descriptor));
  }
  if (what == "unasked") {
    static_cast<void>(send_with_fds(socket, encode(PasswordAnswer{1, PasswordVerdict::right}), {}));
  }
  if (what == "wake") static_cast<void>(send_with_fds(socket, encode(Wake{{0}}), {}));
  if (what == "lock_down_twice") {
    const auto pid = static_cast<std::uint32_t>(::getpid());
    static_cast<void>(send_with_fds(socket, encode(LockDownComplete{pid}), {}));
  }
  if (what == "unknown_worker") {
    static_cast<void>(send_with_fds(socket, encode(PeerViolation{1000}), {}));
  }
}

void answer(Channel<Checker, Worker>& worker) {
  for (;;) {
    const auto received = worker.receive();
    if (received.status != Channel<Checker, Worker>::Status::message) return;
    const auto& question = std::get<CheckPassword>(*received.message);
    static_cast<void>(worker.send(PasswordAnswer{question.number, PasswordVerdict::right}));
  }
}

int run() {
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!packed || !filter) return 3;
  const std::string order = CheckerSettings::unpack(packed->bytes())->lists.at(0).users.at(0).name;
  const std::string manner = order.substr(0, order.find(' '));
  const std::string what = order.substr(order.find(' ') + 1);
  const LockDownPlan plan{.filter = filter->bytes(),
                          .new_root = BorrowedFd(ChildFds::checker_root)};
  try_attacks(Role::checker, plan);
  const auto proof = lock_down<Role::checker>(plan);
  if (!proof) return 3;
  Channel<Checker, Master> master{UniqueFd(ChildFds::control)};
  static_cast<void>(master.send(LockDownComplete{static_cast<std::uint32_t>(::getpid())}));
  std::vector<Channel<Checker, Worker>> workers;
  for (;;) {
    std::vector<::pollfd> polled{{master.fd().get(), POLLIN, 0}};
    for (const auto& worker : workers) polled.push_back({worker.fd().get(), POLLIN, 0});
    ::ppoll(polled.data(), polled.size(), nullptr, nullptr);
    auto received = master.receive();
    if (received.status == Channel<Checker, Master>::Status::peer_gone) return 1;
    if (received.status == Channel<Checker, Master>::Status::message) {
      if (manner == "tell_worker") misbehave(received.fd.borrow(), what);
      if (manner == "tell_master") misbehave(master.fd(), what);
      workers.emplace_back(std::move(received.fd));
    }
    for (auto& worker : workers) answer(worker);
  }
}

}  // namespace
}  // namespace perchild::test

int main() {
  ::prctl(PR_SET_NAME, "perchild-checke");
  return perchild::test::run();
}
