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
constexpr std::chrono::milliseconds blocked_channel_retry{10};
// What a listening socket's queue can hold; under a flood it never runs dry.
constexpr int most_queued = 4096;
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
      refused_(refused_lingers) {}

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
      if (const auto found = channels_.find(token.value()); found != channels_.end()) {
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
                                  refused_.next_deadline(), unblock_at_);
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
    sites_[stranger->site.value].remove(*stranger);
    refuse(*stranger, 503, "the site did not take the connection in time", 1);
  }
  while (Stranger* stranger = refused_.expired(now_)) release(*stranger);
  if (unblock_at_ && *unblock_at_ <= now_) {
    unblock_at_.reset();
    for (const SiteId site : std::exchange(blocked_, {})) {
      sites_[site.value].blocked = false;
      pump(site);
    }
  }
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

RouterLoop::Outcome RouterLoop::on_message(AddListener message, UniqueFd fd) {
  if (accepting_ || message.index >= listeners_.size()) return Outcome::stop;
  listeners_[message.index] = std::move(fd);
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(ListenersComplete message, UniqueFd) {
  if (accepting_ || message.count != listeners_.size()) return Outcome::stop;
  accepting_ = true;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    // EXCLUSIVE: all routers wait on the same sockets, one connection need not wake them all.
    if (!listeners_[i].has_value() ||
        !watch(listeners_[i].borrow(), Token(TokenKind::listener, i).bits(),
               EPOLLIN | EPOLLEXCLUSIVE)) {
      return Outcome::stop;
    }
  }
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(AttachSite message, UniqueFd fd) {
  if (message.site.value >= sites_.size()) return Outcome::stop;
  SiteQueue& site = sites_[message.site.value];
  if (site.channels.size() <= message.slot) site.channels.resize(message.slot + 1);
  if (WorkerChannel* old = site.channels[message.slot]; old != nullptr) drop_channel(*old);
  const std::uint64_t token = Token(TokenKind::channel, next_channel_).bits();
  if (!watch(fd.borrow(), token, EPOLLIN)) return Outcome::stop;
  auto channel = std::make_unique<WorkerChannel>(WorkerChannel{
      message.site, message.slot, next_channel_, 0, 0, Channel<Router, Worker>(std::move(fd))});
  site.channels[message.slot] = channel.get();
  site.woken = true;
  site.down_until.reset();
  channels_.emplace(next_channel_++, std::move(channel));
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(SiteDown message, UniqueFd) {
  if (message.site.value >= sites_.size()) return Outcome::stop;
  SiteQueue& site = sites_[message.site.value];
  site.woken = false;
  site.down_until = now_ + std::chrono::seconds(message.retry_seconds);
  while (Stranger* stranger = site.first()) {
    site.pop_first();
    refuse(*stranger, 503, "the site's worker cannot be started", message.retry_seconds);
  }
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(Drain, UniqueFd) {
  draining_ = true;
  // What the kernel has queued has been promised an answer: take it before the sockets close.
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    for (int left = most_queued; left > 0 && accept_one(static_cast<std::uint16_t>(i)); --left) {
    }
    // The master and other routers share the open file, so closing alone would not unwatch it.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listeners_[i].get(), nullptr);
    listeners_[i].reset();
  }
  return Outcome::go_on;
}

void RouterLoop::on_worker_readable(WorkerChannel& channel) {
  const SiteId site = channel.site;
  // Bounded: who grants one by one for ever is heard again when the others have been.
  for (std::uint32_t i = 0; i < max_credits; ++i) {
    const auto received = channel.channel.receive();
    if (received.status == Channel<Router, Worker>::Status::would_block) break;
    if (received.status == Channel<Router, Worker>::Status::peer_gone) {
      // The master keeps the worker's end open over a restart, so this channel is being replaced.
      drop_channel(channel);
      return;
    }
    if (received.status != Channel<Router, Worker>::Status::message ||
        !channel.grant(std::get<Credit>(*received.message))) {
      report_violation(channel);
      return;
    }
  }
  sites_[site.value].down_until.reset();
  pump(site);
}

void RouterLoop::drop_channel(WorkerChannel& channel) {
  sites_[channel.site.value].channels[channel.slot] = nullptr;
  channels_.erase(channel.number);
}

void RouterLoop::report_violation(WorkerChannel& channel) {
  const WorkerViolation report{channel.site, channel.slot};
  drop_channel(channel);
  // The channel to the master holds hundreds of messages; one that is full has lost its master.
  if (master_.send(report) != SendStatus::sent) {
    log_limited(Priority::error, "a worker's violation could not be reported to the master");
  }
}

void RouterLoop::enqueue(Stranger& stranger) {
  SiteQueue& site = sites_[stranger.site.value];
  if (site.down_until) {
    if (*site.down_until > now_) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(*site.down_until - now_);
      refuse(stranger, 503, "the site's worker cannot be started",
             static_cast<unsigned>(left.count()));
      return;
    }
    site.down_until.reset();
  }
  // The master starts nothing any more.
  if (draining_ && !site.woken) {
    refuse(stranger, 503, "the server is stopping", 1);
    return;
  }
  if (site.waiting() >= table_.queue_limit(stranger.site)) pump(stranger.site);
  if (site.waiting() >= table_.queue_limit(stranger.site)) {
    refuse(stranger, 503, "the site's queue is full", 1);
    return;
  }
  unwatch(stranger);
  stranger.state = Stranger::State::waiting;
  waiting_.set(stranger.deadline, now_);
  site.push(stranger);
  // Handed over when the turn is over, together with what else comes for the site in it.
  if (!std::exchange(site.touched, true)) touched_.push_back(stranger.site);
  wake(stranger.site);
}

void RouterLoop::pump_touched() {
  for (const SiteId site : touched_) {
    sites_[site.value].touched = false;
    pump(site);
  }
  touched_.clear();
}

void RouterLoop::wake(SiteId id) {
  SiteQueue& site = sites_[id.value];
  if (site.woken) return;
  site.woken = master_.send(Wake{id}) == SendStatus::sent;
}

// A worker has granted credit, and its channel takes no message: too many descriptors are in
// flight.
void RouterLoop::try_again_later(SiteId id) {
  if (!std::exchange(sites_[id.value].blocked, true)) blocked_.push_back(id);
  if (!unblock_at_) unblock_at_ = now_ + blocked_channel_retry;
}

void RouterLoop::pump(SiteId id) {
  SiteQueue& site = sites_[id.value];
  while (site.first() != nullptr) {
    WorkerChannel* channel = site.with_credit();
    if (channel == nullptr) return;
    if (hand_over(site, *channel) != SendStatus::sent) {
      try_again_later(id);
      return;
    }
  }
}

// As many of the site's first connections as the worker has credit for and one call takes; with
// several workers, each its share.
SendStatus RouterLoop::hand_over(SiteQueue& site, WorkerChannel& channel) {
  const std::size_t share = (site.waiting() + site.channels.size() - 1) / site.channels.size();
  const std::size_t most = std::min({share, std::size_t{channel.credits}, max_batch});
  hand_overs_.clear();
  passed_.clear();
  for (Stranger* stranger = site.first(); hand_overs_.size() < most;
       stranger = stranger->next_waiting) {
    hand_overs_.push_back({stranger->address, stranger->port, stranger->listener,
                           stranger->by_default ? 1U : 0U, channel.incarnation});
    passed_.push_back(stranger->fd.borrow());
  }
  const BatchSent batch = channel.channel.send_batch<HandOver>(hand_overs_, passed_);
  channel.credits -= static_cast<std::uint32_t>(batch.count);
  for (std::size_t i = 0; i < batch.count; ++i) {
    Stranger* stranger = site.first();
    site.pop_first();
    release(*stranger);
  }
  return batch.status;
}

}  // namespace perchild
