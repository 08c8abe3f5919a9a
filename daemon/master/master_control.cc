// The master's side towards commands: what it tells of the sites.
//
// Runs in: master.
// Does not trust: local users, who are shown their own sites only. What anybody sends that is no
// message, or more than is answered at a time, ends his connection, and nothing else.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "daemon/master/log_files.h"
#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "privsep/landlock.h"
#include "privsep/process_status.h"

namespace perchild {
namespace {

// What an answer holds at most: less than a socket takes from a sender whose reader sleeps.
constexpr std::size_t sites_in_an_answer = 32;
// How many sites are looked through for those of one user before others have a turn.
constexpr std::size_t sites_at_once = 4096;
constexpr std::size_t groups_reopened_at_once = 64;

// A first failure may be an accident, a second one soon after it is not.
constexpr unsigned failures_of_a_loop = 2;

constexpr std::chrono::seconds measured_holds{1};

}  // namespace

void MasterLoop::on_control(std::span<const ::pollfd> polled) {
  for (ControlPeer* peer : control_peers_.readable(polled, now_)) on_control_readable(*peer);
  control_peers_.forget_closed(now_);
  const Greeting greeting{control_protocol, static_cast<std::uint32_t>(::getpid()),
                          FixedText<24>::of(PERCHILD_VERSION)};
  control_peers_.accept(polled, greeting, now_);
}

void MasterLoop::on_control_readable(ControlPeer& peer) {
  constexpr int messages_at_once = 4;
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
  const bool permitted = received.status == Status::message &&
                         std::visit(
                             [&]<typename M>(const M& message) {
                               if (peer.only_asks() && !only_asks<M>) return false;
                               return on_message(peer, message, std::move(received.fd));
                             },
                             *received.message);
  if (!permitted) peer.closed = true;
  return permitted;
}

bool MasterLoop::on_message(ControlPeer& peer, const StatusQuery& message, UniqueFd) {
  const std::size_t sites = table_.sites.size();
  std::size_t next = message.first.value;
  const std::size_t stop = std::min(sites, next + sites_at_once);
  for (std::size_t told = 0; next < stop && told < sites_in_an_answer; ++next) {
    if (table_.sites[next].is_hole() || !peer.may_see(table_.sites[next].uid.uid())) continue;
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

SiteStatus MasterLoop::status_of(SiteId site) {
  const SiteRecord& record = table_.sites[site.value];
  SiteStatus status{};
  status.site = site;
  status.uid = record.uid.uid().value;
  status.name = FixedText<256>::of(record.name);
  const auto history = histories_.find(site);
  if (history != histories_.end()) {
    const SiteHistory& kept = history->second;
    status.restarts = kept.restarts;
    status.refused = kept.refused;
    status.traffic = kept.traffic;
    status.cpu_us = static_cast<std::uint64_t>(kept.cpu.count());
    status.last_error = FixedText<160>::of(kept.last_error);
    status.killed = kept.earlier.killed;
    status.forks_refused = kept.earlier.forks_refused;
    status.throttled_us = kept.earlier.throttled_us;
  }
  const auto group = groups_.find(site);
  if (group != groups_.end()) {
    status.state = state_of(group->second);
    group->second.for_each_running([&](WorkerChild& worker) {
      if (is_of_its_site(worker)) add_measured(status, worker);
    });
    if (table_.has_cgroups) add_group_usage(status);
  }
  if (record.life.suspended) status.state = SiteState::suspended;
  for (const RouterChild& router : routers_) {
    const auto waiting = router.waiting.find(site);
    if (waiting != router.waiting.end()) status.waiting += waiting->second;
  }
  return status;
}

// However often somebody asks, the kernel is asked once a second.
void MasterLoop::add_measured(SiteStatus& status, WorkerChild& worker) const {
  Child& child = worker.child;
  if (now_ - child.measured_at >= measured_holds) {
    child.measured_at = now_;
    child.cpu = cpu_time_of(child.pid).value_or(child.cpu);
    child.memory = anonymous_memory_of(child.pid).value_or(0);
  }
  ++status.processes;
  status.connections += worker.reports.last.connections;
  status.traffic += worker.reports.last.traffic;
  status.cpu_us += static_cast<std::uint64_t>(child.cpu.count());
  status.memory += child.memory;
}

void MasterLoop::add_group_usage(SiteStatus& status) {
  SiteHistory& history = histories_[status.site];
  if (now_ - history.usage_read_at >= measured_holds) {
    history.usage_read_at = now_;
    const std::string& name = table_.sites[status.site.value].name;
    // A site without processes may have no group.
    const auto usage = read_cgroup_usage(BorrowedFd(MasterFds::site_cgroups), name);
    history.usage = usage ? *usage : CgroupUsage{};
  }
  status.killed += history.usage.killed;
  status.forks_refused += history.usage.forks_refused;
  status.throttled_us += history.usage.throttled_us;
}

bool MasterLoop::on_message(ControlPeer& peer, const ServerQuery&, UniqueFd) {
  ServerStatus status{};
  status.uptime_seconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now_ - started_at_).count());
  status.landlock_abi = static_cast<std::uint32_t>(std::max(landlock_abi(), 0));
  status.user_namespace = 1;  // there is no other way to start
  status.seccomp_filters = own_filters_;
  if (table_.has_cgroups) status.cgroup_controllers = table_.controllers;
  if (peer.is_root()) {
    status.sites = static_cast<std::uint32_t>(
        std::count_if(table_.sites.begin(), table_.sites.end(),
                      [](const SiteRecord& site) { return !site.is_hole(); }));
    RouterReport all = of_dead_routers_;
    for (const RouterChild& router : routers_) {
      if (router.child.state == ChildState::serving) ++status.routers;
      all += router.reports.last;
    }
    status.spares = static_cast<std::uint32_t>(
        std::count_if(spares_.begin(), spares_.end(),
                      [](const auto& spare) { return spare->child.state == ChildState::serving; }));
    status.spares_wanted = table_.groups.spares * static_cast<std::uint32_t>(table_.spares.size());
    status.accepted = all.accepted;
    status.handed_over = all.handed_over;
    status.refused = all.refused;
    status.dropped = all.dropped;
    status.held = all.held;
  }
  peer.send(status);
  return true;
}

bool MasterLoop::on_message(ControlPeer& peer, const OnlyAsk&, UniqueFd) {
  peer.only_ask();
  return true;
}

bool MasterLoop::on_message(ControlPeer& peer, const ReopenLogs&, UniqueFd) {
  if (peer.reopening) return false;
  peer.reopening = true;
  // From the first site on, also if others were under way: their files may have been moved again.
  logs_reopened_at_ = now_;
  reopen_next_ = SiteId{0};
  reopened_ = {0, 0};
  return true;
}

// Some of them, in each turn of the loop.
void MasterLoop::reopen_more_logs() {
  if (!reopen_next_) return;
  auto at = groups_.lower_bound(*reopen_next_);
  for (std::size_t i = 0; i < groups_reopened_at_once && at != groups_.end(); ++i, ++at) {
    bool any = false;
    bool all = true;
    at->second.for_each_running([&](WorkerChild& worker) {
      // One that is still locking itself down is given them when it has.
      if (worker.child.state != ChildState::serving) return;
      any = true;
      all &= reopen_logs(worker);
    });
    for_each_running(at->second.runners, [&](RunnerChild& runner) { all &= reopen_log(runner); });
    if (any) ++(all ? reopened_.sites : reopened_.failed);
  }
  if (at != groups_.end()) {
    reopen_next_ = at->first;
    return;
  }
  reopen_next_.reset();
  log_.line(Priority::info, "logs are reopened");
  control_peers_.for_each([&](ControlPeer& peer) {
    if (std::exchange(peer.reopening, false)) peer.send(reopened_);
  });
}

bool MasterLoop::reopen_logs(WorkerChild& worker) {
  bool all = true;
  for (const LogKind kind : {LogKind::access, LogKind::error}) {
    const auto file = open_log_file(BorrowedFd(MasterFds::log_directory), worker.name, kind);
    if (file) {
      send(worker, ReplaceLog{kind == LogKind::error ? 1U : 0U}, file->borrow());
    } else {
      log_.line(Priority::error, name_of(worker) + ": " + file.error().text());
      all = false;
    }
  }
  return all;
}

}  // namespace perchild
