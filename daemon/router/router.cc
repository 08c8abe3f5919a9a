#include "daemon/router/router.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "daemon/router/tokens.h"

namespace perchild {
namespace {

constexpr std::chrono::milliseconds refused_lingers{1000};
// So long may connections wait before the master hears of it, each time.
constexpr std::chrono::milliseconds crowded_patience{250};
// Few connections bring no credit, so silence says little; but is a reason to ask.
constexpr std::chrono::milliseconds unheard_patience{3000};
constexpr int exit_drained = 0;
constexpr int exit_master_gone = 1;
constexpr int exit_broken = 2;

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  PERCHILD_ASSERT(::getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

}  // namespace

RouterLoop::RouterLoop(LockedDown<Role::router>, const RouteTable& table,
                       const RouterSettings& settings, Channel<Router, Master> master,
                       UniqueFd epoll, UniqueFd reserve, const ServerLog& log)
    : table_(table),
      settings_(settings),
      master_(std::move(master)),
      epoll_(std::move(epoll)),
      reserve_(std::move(reserve)),
      log_(log),
      listeners_(table.listener_count()),
      sites_(table.site_count()),
      addresses_(random_seed()),
      peeking_(settings.limits.head),
      waiting_(settings.limits.queue),
      refused_(refused_lingers),
      crowded_(crowded_patience),
      unheard_(unheard_patience) {}

int RouterLoop::run() {
  if (!watch(master_.fd(), Token(TokenKind::master, 0).bits(), EPOLLIN)) return exit_broken;
  std::array<::epoll_event, 128> events;
  while (!drained()) {
    now_ = Clock::now();
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout());
    if (count < 0 && errno != EINTR) return exit_broken;
    now_ = Clock::now();
    for (int i = 0; i < count; ++i) {
      const ::epoll_event& event = events[static_cast<std::size_t>(i)];
      if (dispatch(event.data.u64) == Outcome::stop) return exit_master_gone;
    }
    pump_touched();
    on_deadlines();
    report();
  }
  return exit_drained;
}

RouterLoop::Outcome RouterLoop::dispatch(std::uint64_t bits) {
  const Token token(bits);
  switch (token.kind()) {
    case TokenKind::master:
      return on_master_readable();
    case TokenKind::listener:
      on_listener_readable(static_cast<std::uint16_t>(token.value()));
      break;
    case TokenKind::stranger: {
      Stranger& stranger = *pool_[token.value()];
      // The place may have been given to another stranger by an earlier event of the same batch.
      if (stranger.generation != token.generation()) break;
      if (stranger.state == Stranger::State::peeking) {
        peek(stranger);
      } else if (stranger.state == Stranger::State::refused) {
        on_refused_readable(stranger);
      }
      break;
    }
    case TokenKind::channel:
      // A channel may have been dropped by an earlier event of the same batch.
      if (const auto found = channels_.find(static_cast<std::uint32_t>(token.value()));
          found != channels_.end()) {
        on_worker_readable(*found->second);
      }
      break;
  }
  return Outcome::go_on;
}

bool RouterLoop::watch(BorrowedFd fd, std::uint64_t token, std::uint32_t events) {
  ::epoll_event event{events, {.u64 = token}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0;
}

int RouterLoop::timeout() const {
  return milliseconds_until_first(now_, peeking_.next_deadline(), waiting_.next_deadline(),
                                  refused_.next_deadline(), crowded_.next_deadline(),
                                  unheard_.next_deadline(), unblock_at_);
}

void RouterLoop::on_deadlines() {
  while (Stranger* stranger = peeking_.expired(now_)) {
    // Whoever has said nothing at all is not told anything either, nor is a proxy.
    if (stranger->peeked == 0 || stranger->header_due) {
      release(*stranger);
    } else {
      refuse(*stranger, 408, "the head took too long");
    }
  }
  while (Stranger* stranger = waiting_.expired(now_)) {
    SiteQueue& site = queue_of(stranger->site);
    site.remove(*stranger);
    if (site.waiting() == 0) site.crowded.unlink();
    refuse_for(site, *stranger, "the site did not take the connection in time", 1);
  }
  while (WorkerChannel* channel = unheard_.expired(now_)) {
    channel->unheard.unlink();
    static_cast<void>(master_.send(WorkerSilent{channel->site, channel->number}));
  }
  while (SiteQueue* site = crowded_.expired(now_)) {
    crowded_.set(site->crowded, now_);
    // What cannot be sent is said again soon enough.
    static_cast<void>(master_.send(QueueStands{site->id}));
  }
  while (Stranger* stranger = refused_.expired(now_)) release(*stranger);
  if (unblock_at_ && *unblock_at_ <= now_) {
    unblock_at_.reset();
    for (const SiteId id : std::exchange(blocked_, {})) {
      SiteQueue& site = queue_of(id);
      site.blocked = false;
      pump(site);
      forget_if_asleep(id);
    }
  }
}

void RouterLoop::report() {
  reporter_.counts.held = held_;
  reporter_.report_change(
      master_, [&](SiteId site) -> SiteQueue& { return queue_of(site); },
      [&](SiteId site) { forget_if_asleep(site); });
}

RouterLoop::Outcome RouterLoop::on_message(MayReport, UniqueFd) {
  reporter_.permit();
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_master_readable() {
  for (;;) {
    auto received = master_.receive();
    switch (received.status) {
      case Channel<Router, Master>::Status::would_block:
        return Outcome::go_on;
      case Channel<Router, Master>::Status::peer_gone:
      case Channel<Router, Master>::Status::violation:
      case Channel<Router, Master>::Status::out_of_fds:  // a new router is told everything again
        return Outcome::stop;
      case Channel<Router, Master>::Status::message:
        break;
    }
    const Outcome outcome =
        std::visit([&](const auto& message) { return on_message(message, std::move(received.fd)); },
                   *received.message);
    if (outcome == Outcome::stop) return outcome;
  }
}

}  // namespace perchild
