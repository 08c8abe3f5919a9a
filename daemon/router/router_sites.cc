// The router's side towards the sites: their channels, their credits, and what waits for them.
//
// Runs in: router.
// Does not trust: workers. What one says is a credit within its bound, or the end of its channel.
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "daemon/router/router.h"
#include "daemon/router/tokens.h"

namespace perchild {
namespace {

constexpr std::chrono::milliseconds blocked_channel_retry{10};

}  // namespace

RouterLoop::Outcome RouterLoop::on_message(AttachSite message, UniqueFd fd) {
  if (message.site.value >= sites_.size() || channels_.contains(message.channel)) {
    return Outcome::stop;
  }
  SiteQueue& site = queue_of(message.site);
  if (site.channels.size() <= message.slot) site.channels.resize(message.slot + 1);
  if (WorkerChannel* old = site.channels[message.slot]; old != nullptr) drop_channel(*old);
  const std::uint64_t token = Token(TokenKind::channel, message.channel).bits();
  if (!watch(fd.borrow(), token, EPOLLIN)) return Outcome::stop;
  auto channel =
      std::make_unique<WorkerChannel>(message.site, message.slot, message.channel, std::move(fd));
  site.channels[message.slot] = channel.get();
  site.woken = true;
  site.down_until.reset();
  channels_.emplace(message.channel, std::move(channel));
  return Outcome::go_on;
}

// The worker reads what it has been sent up to the end of the channel. What waits here, or comes,
// goes to the site's other workers, or wakes it again.
RouterLoop::Outcome RouterLoop::on_message(DetachSite message, UniqueFd) {
  if (message.site.value >= sites_.size()) return Outcome::stop;
  if (const auto found = channels_.find(message.channel); found != channels_.end()) {
    if (found->second->site != message.site) return Outcome::stop;
    drop_channel(*found->second);
  }
  SiteQueue& site = queue_of(message.site);
  if (site.workers() == 0) {
    site.woken = false;
    if (site.waiting() > 0) wake(site);
  }
  forget_if_asleep(message.site);
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(SiteDown message, UniqueFd) {
  if (message.site.value >= sites_.size()) return Outcome::stop;
  SiteQueue& site = queue_of(message.site);
  site.woken = false;
  site.crowded.unlink();
  site.down_until = now_ + std::chrono::seconds(message.retry_seconds);
  while (Stranger* stranger = site.first()) {
    site.pop_first();
    refuse_for(site, *stranger, "the site's worker cannot be started", message.retry_seconds);
  }
  return Outcome::go_on;
}

void RouterLoop::on_worker_readable(WorkerChannel& channel) {
  const SiteId site = channel.site;
  // Bounded: who grants one by one for ever is heard again when the others have been.
  for (std::uint32_t i = 0; i < max_credits; ++i) {
    const auto received = channel.channel.receive();
    if (received.status == Channel<Router, Worker>::Status::would_block) break;
    // The master keeps the worker's end open over a restart: either it has let go of this channel
    // and knows, or a worker that lives has closed it.
    const bool hung_up = received.status == Channel<Router, Worker>::Status::peer_gone;
    if (received.status != Channel<Router, Worker>::Status::message ||
        !channel.grant(std::get<Credit>(*received.message))) {
      report(channel, hung_up);
      return;
    }
    channel.unheard.unlink();
  }
  SiteQueue& queue = queue_of(site);
  queue.down_until.reset();
  queue.crowded.unlink();
  pump(queue);
}

void RouterLoop::drop_channel(WorkerChannel& channel) {
  queue_of(channel.site).channels[channel.slot] = nullptr;
  channels_.erase(channel.number);
}

void RouterLoop::report(WorkerChannel& channel, bool hung_up) {
  const WorkerViolation report{channel.site, channel.slot, channel.number, hung_up ? 1U : 0U};
  drop_channel(channel);
  // The channel to the master holds hundreds of messages; one that is full has lost its master.
  if (master_.send(report) != SendStatus::sent) {
    log_limited(Priority::error, "a worker's violation could not be reported to the master");
  }
}

void RouterLoop::enqueue(Stranger& stranger) {
  if (table_.suspended(stranger.site)) {
    refuse_suspended(stranger);
    return;
  }
  SiteQueue& site = queue_of(stranger.site);
  if (site.down_until) {
    if (*site.down_until > now_) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(*site.down_until - now_);
      refuse_for(site, stranger, "the site's worker cannot be started",
                 static_cast<unsigned>(left.count()));
      return;
    }
    site.down_until.reset();
  }
  if (!sites_start_ && !site.woken) {
    refuse_for(site, stranger, "the server is stopping", 1);
    return;
  }
  if (site.waiting() >= table_.queue_limit(stranger.site)) pump(site);
  if (site.waiting() >= table_.queue_limit(stranger.site)) {
    refuse_for(site, stranger, "the site's queue is full", 1);
    return;
  }
  unwatch(stranger);
  stranger.state = Stranger::State::waiting;
  waiting_.set(stranger.deadline, now_);
  site.push(stranger);
  // Handed over when the turn is over, together with what else comes for the site in it.
  if (!std::exchange(site.touched, true)) touched_.push_back(stranger.site);
  wake(site);
}

void RouterLoop::pump_touched() {
  for (const SiteId id : touched_) {
    SiteQueue& site = queue_of(id);
    site.touched = false;
    pump(site);
    forget_if_asleep(id);
  }
  touched_.clear();
}

SiteQueue& RouterLoop::queue_of(SiteId id) {
  std::unique_ptr<SiteQueue>& site = sites_[id.value];
  if (site == nullptr) site = std::make_unique<SiteQueue>(id);
  return *site;
}

void RouterLoop::forget_if_asleep(SiteId id) {
  if (sites_[id.value] != nullptr && sites_[id.value]->asleep()) sites_[id.value].reset();
}

void RouterLoop::wake(SiteQueue& site) {
  if (!site.woken) site.woken = master_.send(Wake{site.id}) == SendStatus::sent;
}

// A worker has granted credit, and its channel takes no message: too many descriptors are in
// flight.
void RouterLoop::try_again_later(SiteQueue& site) {
  if (!std::exchange(site.blocked, true)) blocked_.push_back(site.id);
  if (!unblock_at_) unblock_at_ = now_ + blocked_channel_retry;
}

// The site's fault, or its trouble, not the visitor's.
void RouterLoop::refuse_for(SiteQueue& site, Stranger& stranger, std::string_view reason,
                            unsigned retry_seconds) {
  reporter_.note_refusal(site);
  refuse(stranger, 503, reason, retry_seconds);
}

void RouterLoop::pump(SiteQueue& site) {
  hand_over_waiting(site);
  reporter_.note_length(site);
}

void RouterLoop::hand_over_waiting(SiteQueue& site) {
  while (site.first() != nullptr) {
    WorkerChannel* channel = site.with_credit();
    if (channel == nullptr) {
      if (site.workers() > 0 && !site.crowded.linked()) crowded_.set(site.crowded, now_);
      return;
    }
    if (hand_over(site, *channel) != SendStatus::sent) {
      try_again_later(site);
      return;
    }
  }
  site.crowded.unlink();
}

// As many of the site's first connections as the worker has credit for and one call takes; with
// several workers, each its share.
SendStatus RouterLoop::hand_over(SiteQueue& site, WorkerChannel& channel) {
  const std::size_t workers = site.workers();
  const std::size_t share = (site.waiting() + workers - 1) / workers;
  const std::size_t most = std::min({share, std::size_t{channel.credits}, max_batch});
  hand_overs_.clear();
  passed_.clear();
  for (Stranger* stranger = site.first(); hand_overs_.size() < most;
       stranger = stranger->next_waiting) {
    hand_overs_.push_back({.client_address = stranger->address,
                           .client_port = stranger->port,
                           .listener = stranger->listener,
                           .by_default = stranger->by_default ? std::uint16_t{1} : std::uint16_t{0},
                           .encrypted = stranger->encrypted ? std::uint16_t{1} : std::uint16_t{0},
                           .incarnation = channel.incarnation,
                           .over_tls = stranger->over_tls ? std::uint16_t{1} : std::uint16_t{0},
                           .http2 = stranger->http2 ? std::uint16_t{1} : std::uint16_t{0}});
    passed_.push_back(stranger->fd.borrow());
  }
  const BatchSent batch = channel.channel.send_batch<HandOver>(hand_overs_, passed_);
  channel.credits -= static_cast<std::uint32_t>(batch.count);
  if (batch.count > 0 && !channel.unheard.linked()) unheard_.set(channel.unheard, now_);
  reporter_.counts.handed_over += batch.count;
  for (std::size_t i = 0; i < batch.count; ++i) {
    Stranger* stranger = site.first();
    site.pop_first();
    release(*stranger);
  }
  return batch.status;
}

}  // namespace perchild
