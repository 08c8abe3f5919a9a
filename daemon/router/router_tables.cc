// The router's side towards the master: what it listens on, and which host is whose. Both may
// change while it runs, by a reload; what it holds is kept.
//
// Runs in: router.
// Trusts: the master.
#include <sys/epoll.h>

#include "daemon/router/router.h"
#include "daemon/router/tokens.h"

namespace perchild {
namespace {

// What a listening socket's queue can hold; under a flood it never runs dry.
constexpr int most_queued = 4096;

}  // namespace

RouterLoop::Outcome RouterLoop::on_message(AddListener message, UniqueFd fd) {
  if (message.index >= listeners_.size()) return Outcome::stop;
  if (accepting_) close_listener(message.index);
  listeners_[message.index] = std::move(fd);
  return !accepting_ || watch_listener(message.index) ? Outcome::go_on : Outcome::stop;
}

RouterLoop::Outcome RouterLoop::on_message(ListenersComplete message, UniqueFd) {
  if (message.count != listeners_.size()) return Outcome::stop;
  if (accepting_) {
    const bool told = master_.send(RoutesTaken{generation_}) == SendStatus::sent;
    return told ? Outcome::go_on : Outcome::stop;
  }
  accepting_ = true;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    // A number may be without a listener since a reload.
    if (listeners_[i].has_value() && !watch_listener(i)) return Outcome::stop;
  }
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(RemoveListener message, UniqueFd) {
  if (message.index >= listeners_.size()) return Outcome::stop;
  close_listener(message.index);
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(TakeRoutes message, UniqueFd fd) {
  auto memory = SealedMapping::map(fd.borrow());
  if (!memory) return Outcome::stop;
  const auto table = RouteTable::load(memory->bytes());
  if (!table || table->site_count() < sites_.size() ||
      table->listener_count() < listeners_.size()) {
    return Outcome::stop;
  }
  table_ = *table;
  table_memory_ = std::move(*memory);
  generation_ = message.generation;
  sites_.resize(table_.site_count());
  listeners_.resize(table_.listener_count());
  answer_for_gone_sites();
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(TakeRouterSettings, UniqueFd fd) {
  const auto memory = SealedMapping::map(fd.borrow());
  if (!memory) return Outcome::stop;
  const auto settings = RouterSettings::unpack(memory->bytes());
  if (!settings) return Outcome::stop;
  settings_ = *settings;
  peeking_.change_duration(settings_.limits.head);
  waiting_.change_duration(settings_.limits.queue);
  return Outcome::go_on;
}

RouterLoop::Outcome RouterLoop::on_message(Drain message, UniqueFd) {
  draining_ = true;
  sites_start_ = message.sites_start != 0;
  for (std::size_t i = 0; i < listeners_.size(); ++i) close_listener(i);
  return Outcome::go_on;
}

// EXCLUSIVE: all routers wait on the same sockets, one connection need not wake them all.
bool RouterLoop::watch_listener(std::size_t index) {
  return watch(listeners_[index].borrow(), Token(TokenKind::listener, index).bits(),
               EPOLLIN | EPOLLEXCLUSIVE);
}

void RouterLoop::close_listener(std::size_t index) {
  if (!listeners_[index].has_value()) return;
  // The master and others share the open file, so closing alone would not unwatch it. First of all:
  // whoever comes from here on wakes somebody else who listens, if there is such.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listeners_[index].get(), nullptr);
  // What the kernel has queued has been promised an answer, and may have woken this router alone.
  for (int left = most_queued; left > 0 && accept_one(static_cast<std::uint16_t>(index)); --left) {
  }
  listeners_[index].reset();
}

// Who waits for a site that has gone need not wait. What was in trouble may be mended.
void RouterLoop::answer_for_gone_sites() {
  for (const auto& site : sites_) {
    if (site == nullptr) continue;
    site->down_until.reset();
    if (table_.exists(site->id) && !table_.suspended(site->id)) continue;
    while (Stranger* stranger = site->first()) {
      site->pop_first();
      if (table_.exists(site->id)) {
        refuse_suspended(*stranger);
      } else {
        refuse(*stranger, 421, "the site has been removed");
      }
    }
    site->crowded.unlink();
  }
}

}  // namespace perchild
