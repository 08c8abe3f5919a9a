#include "daemon/keeper/keeper_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace perchild {
namespace {

constexpr int exit_master_gone = 0;
constexpr int exit_broken = 2;

constexpr std::uint32_t master_number = 0;  // no channel has it

}  // namespace

KeeperLoop::KeeperLoop(LockedDown<Role::keeper>, Channel<Keeper, Master> master, UniqueFd epoll)
    : tickets_(Clock::now()), master_(std::move(master)), epoll_(std::move(epoll)) {}

int KeeperLoop::run() {
  if (!watch(master_.fd(), master_number)) return exit_broken;
  // Level-triggered: who is not heard in this turn is in the next one, behind the others
  // (epoll_wait takes ready descriptors round robin).
  std::array<::epoll_event, 64> events;
  for (;;) {
    now_ = Clock::now();
    const int timeout = milliseconds_until_first(now_, std::optional(tickets_.renew_at()));
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout);
    if (count < 0 && errno != EINTR) return exit_broken;
    now_ = Clock::now();
    served_.clear();
    for (int i = 0; i < count; ++i) {
      const std::uint32_t number = events[static_cast<std::size_t>(i)].data.u32;
      if (number != master_number) {
        on_signer_readable(number);
      } else if (!on_master_readable()) {
        return exit_master_gone;
      }
    }
    if (tickets_.renew_at() <= now_) renew_ticket_keys();
  }
}

bool KeeperLoop::watch(BorrowedFd fd, std::uint32_t number) {
  ::epoll_event event{EPOLLIN, {.u32 = number}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0;
}

bool KeeperLoop::on_master_readable() {
  for (;;) {
    auto received = master_.receive();
    if (received.status == Channel<Keeper, Master>::Status::would_block) return true;
    if (received.status != Channel<Keeper, Master>::Status::message) return false;
    const bool permitted =
        std::visit([&](const auto& message) { return on_message(message, std::move(received.fd)); },
                   *received.message);
    if (!permitted) return false;
  }
}

bool KeeperLoop::on_message(const TakeKeys&, UniqueFd fd) {
  return keys_.load(fd.borrow());
}

bool KeeperLoop::on_message(const AttachSigner& message, UniqueFd fd) {
  auto keys = keys_.open(message.site);
  if (keys == nullptr || signers_.count(message.channel) != 0) return false;
  if (!watch(fd.borrow(), message.channel)) return false;
  const Generation generation{message.generation};
  Signer signer{message.site, generation, std::move(keys), Channel<Keeper, Worker>(std::move(fd))};
  // First of all, so that no handshake ends before its worker can make tickets.
  if (signer.channel.send(tickets_.of(message.site, generation)) == SendStatus::sent) {
    signers_.emplace(message.channel, std::move(signer));
  }
  return true;
}

// One request a turn, and one of all of a site's workers: who asks for much waits for himself.
void KeeperLoop::on_signer_readable(std::uint32_t number) {
  const auto found = signers_.find(number);
  if (found == signers_.end()) return;
  Signer& signer = found->second;
  if (std::find(served_.begin(), served_.end(), signer.site) != served_.end()) return;
  served_.push_back(signer.site);
  const auto received = signer.channel.receive();
  switch (received.status) {
    case Channel<Keeper, Worker>::Status::would_block:
      return;
    case Channel<Keeper, Worker>::Status::peer_gone:
      signers_.erase(found);
      return;
    case Channel<Keeper, Worker>::Status::message:
      if (!answer(signer, std::get<Sign>(*received.message))) report_violation(number);
      return;
    case Channel<Keeper, Worker>::Status::violation:
    case Channel<Keeper, Worker>::Status::out_of_fds:  // no request has one
      report_violation(number);
      return;
  }
}

bool KeeperLoop::answer(Signer& signer, const Sign& request) {
  Signature signature;
  if (signer.keys->sign(request, signature) == SiteKeys::Outcome::not_permitted) return false;
  // There is room for as many answers as a worker may wait for.
  const SendStatus status = signer.channel.send(signature);
  return status == SendStatus::sent || status == SendStatus::peer_gone;
}

void KeeperLoop::report_violation(std::uint32_t number) {
  signers_.erase(number);
  // The master has room, or has gone, which the next turn shows.
  static_cast<void>(master_.send(PeerViolation{number}));
}

void KeeperLoop::renew_ticket_keys() {
  tickets_.renew(now_);
  std::vector<std::uint32_t> silent;
  for (auto& [number, signer] : signers_) {
    // Who is on its way out, its site having changed, makes no tickets that its successor takes.
    const TicketKeys* keys = tickets_.find(signer.site, signer.generation);
    if (keys == nullptr) continue;
    const SendStatus status = signer.channel.send(*keys);
    if (status == SendStatus::would_block) silent.push_back(number);
  }
  for (const std::uint32_t number : silent) report_violation(number);
}

}  // namespace perchild
