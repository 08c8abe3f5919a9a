// The master's side towards commands: what it tells of the sites.
//
// Runs in: master.
// Does not trust: local users, who are shown their own sites only. What anybody sends that is no
// message, or more than is answered at a time, ends his connection, and nothing else.
#include <unistd.h>

#include <algorithm>

#include "daemon/master/master.h"

namespace perchild {
namespace {

// What an answer holds at most: less than a socket takes from a sender whose reader sleeps.
constexpr std::size_t sites_in_an_answer = 32;
// How many sites are looked through for those of one user before others have a turn.
constexpr std::size_t sites_at_once = 4096;
// Of one peer in one turn of the loop.
constexpr int messages_at_once = 4;

// Restarts so often without having run for a while are no accident.
constexpr unsigned failures_of_a_loop = 2;

}  // namespace

void MasterLoop::on_control(std::span<const ::pollfd> polled) {
  for (ControlPeer* peer : control_peers_.readable(polled, now_)) on_control_readable(*peer);
  control_peers_.forget_closed(now_);
  const Greeting greeting{control_protocol, static_cast<std::uint32_t>(::getpid()),
                          FixedText<24>::of(PERCHILD_VERSION)};
  control_peers_.accept(polled, greeting, now_);
}

void MasterLoop::on_control_readable(ControlPeer& peer) {
  for (int i = 0; i < messages_at_once && !peer.closed; ++i) {
    const bool more =
        std::visit([&](auto& channel) { return take_message(peer, channel); }, peer.channel());
    if (!more) return;
  }
}

// False if there is no further message for now.
template <typename Peers>
bool MasterLoop::take_message(ControlPeer& peer, Peers& channel) {
  using Status = typename Peers::Status;
  auto received = channel.receive();
  if (received.status == Status::would_block) return false;
  const bool permitted =
      received.status == Status::message &&
      std::visit(
          [&](const auto& message) { return on_message(peer, message, std::move(received.fd)); },
          *received.message);
  if (!permitted) peer.closed = true;
  return permitted;
}

bool MasterLoop::on_message(ControlPeer& peer, const StatusQuery& message, UniqueFd) {
  const std::size_t sites = table_.sites.size();
  std::size_t next = message.first.value;
  const std::size_t stop = std::min(sites, next + sites_at_once);
  for (std::size_t told = 0; next < stop && told < sites_in_an_answer; ++next) {
    if (!peer.may_see(table_.sites[next].uid.uid())) continue;
    peer.send(status_of(SiteId{static_cast<std::uint32_t>(next)}));
    ++told;
  }
  const bool is_last = next >= sites;
  peer.send(
      StatusEnd{SiteId{static_cast<std::uint32_t>(std::min(next, sites))}, is_last ? 1U : 0U});
  return true;
}

bool MasterLoop::on_message(ControlPeer& peer, const FindSite& message, UniqueFd) {
  const auto found =
      std::find_if(table_.sites.begin(), table_.sites.end(),
                   [&](const SiteRecord& site) { return site.name == message.name.view(); });
  // Another's site looks like none.
  if (found != table_.sites.end() && peer.may_see(found->uid.uid())) {
    peer.send(status_of(SiteId{static_cast<std::uint32_t>(found - table_.sites.begin())}));
  }
  peer.send(StatusEnd{SiteId{static_cast<std::uint32_t>(table_.sites.size())}, 1});
  return true;
}

SiteState MasterLoop::state_of(const SiteGroup& group) const {
  bool serving = false;
  bool running = false;
  bool failing = false;
  for (const auto& worker : group.workers) {
    serving |= worker->child.state == ChildState::serving;
    running |= worker->child.state != ChildState::absent || worker->wanted;
    failing |= worker->back_off.failures() >= failures_of_a_loop;
  }
  if (drain_until_) return group.runs() ? SiteState::draining : SiteState::idle;
  // One that has only just been started again has not proved anything.
  if (failing) return SiteState::crash_looping;
  if (!running) return group.retired.empty() ? SiteState::idle : SiteState::draining;
  return serving ? SiteState::serving : SiteState::starting;
}

SiteStatus MasterLoop::status_of(SiteId site) const {
  const SiteRecord& record = table_.sites[site.value];
  SiteStatus status{};
  status.site = site;
  status.uid = record.uid.uid().value;
  status.name = FixedText<256>::of(record.name);
  if (record.life.suspended) status.state = SiteState::suspended;
  const auto group = groups_.find(site);
  if (group != groups_.end()) {
    if (!record.life.suspended) status.state = state_of(group->second);
    group->second.for_each_running([&](const WorkerChild&) { ++status.processes; });
  }
  const auto history = histories_.find(site);
  if (history != histories_.end()) {
    status.restarts = history->second.restarts;
    status.last_error = FixedText<160>::of(history->second.last_error);
  }
  return status;
}

}  // namespace perchild
