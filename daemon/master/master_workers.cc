// The master's side towards the sites' workers.
//
// Runs in: master.
// Does not trust: workers. What one says is permitted now, or the end of it.
#include <unistd.h>

#include "daemon/master/hear.h"
#include "daemon/master/log_files.h"
#include "daemon/master/master.h"
#include "privsep/cgroup.h"
#include "privsep/identity_memory.h"
#include "privsep/inherited_fds.h"
#include "privsep/process_status.h"
#include "privsep/sealed_memory.h"
#include "privsep/shared_memory.h"
#include "privsep/spawn.h"
#include "vhosts/access/visitor_memory.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds ping_interval{2};

// malloc(3) keeps seven freed blocks of a size at hand. As many requests as come are with their
// programs at once, and each holds some blocks of the same few sizes.
const std::vector<std::string> workers_environment{"GLIBC_TUNABLES=glibc.malloc.tcache_count=64"};

// What the site's workers share. /dev/null where there is but one.
Result<BorrowedFd> visitors_of(const SiteRecord& record, SiteGroup& group) {
  if (record.life.most_workers == 1) return BorrowedFd(STDIN_FILENO);
  if (!group.visitors.has_value() || group.visitors_of != Generation{record.generation}) {
    auto memory = make_shared_memory("visitors", sizeof(access::VisitorMemory));
    if (!memory) return failure(memory.error());
    group.visitors = std::move(*memory);
    group.visitors_of = Generation{record.generation};
  }
  return group.visitors.borrow();
}

}  // namespace

std::string MasterLoop::name_of(const WorkerChild& worker) const {
  const SiteRecord& record = record_of(worker);
  std::string name = "worker of " + (worker.name.empty() ? record.name : worker.name);
  if (record.life.most_workers > 1) name.append(" ").append(std::to_string(worker.slot));
  return name;
}

// No descriptor where there are no groups.
Result<UniqueFd> MasterLoop::make_cgroup(const std::string& site,
                                         const CgroupLimits& limits) const {
  if (!table_.has_cgroups) return UniqueFd();
  return make_site_cgroup(BorrowedFd(MasterFds::site_cgroups), site, limits, table_.controllers);
}

void MasterLoop::start_worker(WorkerChild& worker) {
  const SiteRecord& record = record_of(worker);
  PERCHILD_ASSERT(!record.is_hole() && !record.life.suspended);
  want_companions(worker.site);
  const auto give_up = [&](const SysError& error) {
    const std::string text = name_of(worker) + " cannot be started: " + error.text();
    log_.line(Priority::error, text);
    histories_[worker.site].last_error = text;
    if (!worker.retired) on_worker_failure(worker, Clock::duration::zero());
  };
  const auto error_log =
      open_log_file(BorrowedFd(MasterFds::log_directory), record.name, LogKind::error);
  if (!error_log) return give_up(error_log.error());
  const auto settings = make_sealed_memory("settings", record.settings);
  if (!settings) return give_up(settings.error());
  const auto visitors = visitors_of(record, groups_.at(worker.site));
  if (!visitors) return give_up(visitors.error());
  const auto identity = make_identity_memory({record.uid.uid(), record.gid, record.groups});
  if (!identity) return give_up(identity.error());
  auto pair = make_channel_pair();
  if (!pair) return give_up(pair.error());
  if (const auto watched = site_channels_.watch(worker.site, pair->first.borrow()); !watched) {
    return give_up(watched.error());
  }
  const auto cgroup = make_cgroup(record.name, record.limits);
  if (!cgroup) return give_up(cgroup.error());
  auto process = spawn({.role = Role::worker,
                        .identity = {},
                        .executable = BorrowedFd(record.has_keys || record.plain_http2
                                                     ? MasterFds::tls_worker_executable
                                                     : MasterFds::worker_executable),
                        .title = "perchild-worker " + record.name,
                        .fds = {{BorrowedFd(STDIN_FILENO), STDIN_FILENO},
                                {BorrowedFd(STDIN_FILENO), STDOUT_FILENO},
                                {error_log->borrow(), ChildFds::log},
                                {pair->second.borrow(), ChildFds::control},
                                {BorrowedFd(MasterFds::worker_filter), ChildFds::filter},
                                {settings->borrow(), ChildFds::settings},
                                {BorrowedFd(MasterFds::acme_webroot), ChildFds::acme_webroot},
                                {identity->borrow(), ChildFds::identity},
                                {*visitors, ChildFds::visitors}},
                        .environment = workers_environment,
                        .cgroup = cgroup->borrow_if_any(),
                        .drops_after_exec = true});
  if (!process) return give_up(process.error());
  worker.child = {ChildState::locking_down, process->pid, std::move(process->pidfd), now_};
  worker.control.emplace(std::move(pair->first));
  worker.idle_since.reset();
  worker.outdated = false;
  worker.name = record.name;
  worker.generation = Generation{record.generation};
  for (std::size_t router = 0; router < routers_.size(); ++router) connect(worker, router);
}

// Makes sure that this worker and this router have a channel. The router's end is sent at once; the
// worker's when it serves.
void MasterLoop::connect(WorkerChild& worker, std::size_t index) {
  RouterChild& router = routers_[index];
  RouterEnd& kept = worker.router_ends[index];
  if (router.child.state != ChildState::serving || kept.end.has_value()) return;
  if (worker.retired) return;  // for what it has been sent already
  auto pair = make_channel_pair();
  if (!pair) {
    if (!channels_are_missing_) {
      log_.line(Priority::error, name_of(worker) + ": " + pair.error().text());
    }
    channels_are_missing_ = true;
    return;
  }
  kept = {std::move(pair->second), ++last_channel_};
  send(router, AttachSite{worker.site, static_cast<std::uint32_t>(worker.slot), kept.channel},
       std::move(pair->first));
  if (worker.child.state == ChildState::serving) {
    send(worker, AttachRouter{static_cast<std::uint32_t>(index)}, kept.end.borrow());
  }
}

// Those between which a channel could not be made, for want of descriptors.
void MasterLoop::connect_all() {
  channels_are_missing_ = false;
  for (const auto& [site, group] : groups_) {
    for (const auto& worker : group.workers) {
      if (worker->child.state == ChildState::absent) continue;
      for (std::size_t router = 0; router < routers_.size(); ++router) connect(*worker, router);
    }
  }
}

void MasterLoop::on_worker_readable(WorkerChild& worker) {
  constexpr int messages_at_once = 16;
  hear(
      worker.control, worker.child, now_, messages_at_once,
      [&](const auto& message) { return on_message(worker, message); },
      [&](Offence) { end(worker.child, name_of(worker) + " sent what it may not send"); });
}

bool MasterLoop::on_message(WorkerChild& worker, const LockDownComplete& message) {
  const SiteRecord& record = record_of(worker);
  const Identity identity{record.uid.uid(), record.gid, record.groups};
  if (worker.child.state != ChildState::locking_down ||
      message.pid != static_cast<std::uint32_t>(worker.child.pid) ||
      !verify(worker.child, Role::worker, identity, name_of(worker))) {
    return false;
  }
  worker.child.state = ChildState::serving;
  on_worker_serving(worker);
  return true;
}

// At most so often as to be no burden, whoever asks for it.
void MasterLoop::ping(WorkerChild& worker) {
  if (worker.child.state != ChildState::serving || worker.child.asked_at) return;
  if (now_ - worker.pinged_at < ping_interval) return;
  worker.child.asked_at = worker.pinged_at = now_;
  send(worker, Ping{0});
}

bool MasterLoop::on_message(WorkerChild& worker, const Pong&) {
  if (!worker.child.asked_at) return false;
  worker.child.asked_at.reset();
  return true;
}

bool MasterLoop::on_message(WorkerChild& worker, const Idle&) {
  if (worker.child.state != ChildState::serving || worker.idle_since) return false;
  worker.idle_since = now_;
  return true;
}

bool MasterLoop::on_message(WorkerChild& worker, const Busy&) {
  if (worker.child.state != ChildState::serving || !worker.idle_since) return false;
  worker.idle_since.reset();
  return true;
}

void MasterLoop::on_worker_serving(WorkerChild& worker) {
  const auto access_log =
      open_log_file(BorrowedFd(MasterFds::log_directory), worker.name, LogKind::access);
  if (!access_log) {
    end(worker.child, name_of(worker) + ": " + access_log.error().text());
    return;
  }
  send(worker, TakeAccessLog{0}, access_log->borrow());
  // Its error log is older than this moment.
  if (worker.child.started_at <= logs_reopened_at_) reopen_logs(worker);
  // Before the first connection can come.
  introduce_to_keeper(worker);
  for (std::size_t router = 0; router < worker.router_ends.size(); ++router) {
    if (!worker.router_ends[router].end.has_value()) {
      connect(worker, router);  // sends the worker's end too
    } else {
      send(worker, AttachRouter{static_cast<std::uint32_t>(router)},
           worker.router_ends[router].end.borrow());
    }
  }
  introduce_to_companions(worker);
  if (worker.retired) send(worker, Retire{0});
  if (drain_until_) tell_to_leave(worker);
}

// Whose channel to this router has this number; nullptr if it has been replaced meanwhile.
WorkerChild* MasterLoop::worker_at(SiteId site, std::size_t router, std::uint32_t channel) {
  const auto group = groups_.find(site);
  if (group == groups_.end()) return nullptr;
  WorkerChild* found = nullptr;
  group->second.for_each_running([&](WorkerChild& worker) {
    const RouterEnd& kept = worker.router_ends[router];
    if (kept.channel == channel && kept.end.has_value()) found = &worker;
  });
  return found;
}

void MasterLoop::on_worker_death(WorkerChild& worker, int status) {
  const bool expected =
      worker.outdated || ((drain_until_.has_value() || worker.retired) && status == 0);
  if (!expected) {
    const std::string death = describe_death(name_of(worker), worker.child.pid, status);
    log_.line(Priority::error, death);
    if (is_of_its_site(worker)) {
      SiteHistory& history = histories_[worker.site];
      ++history.restarts;
      history.last_error = worker.child.ended_because.empty() ? death : worker.child.ended_because;
    }
  }
  add_up_dead(worker);
  const Clock::duration lived = now_ - worker.child.started_at;
  // What a reload has taken from its site is not served by another in its place.
  const bool has_left = status == 0 || worker.child.leave_by.has_value();
  worker.control.reset();
  worker.child = {};
  worker.checker_channel = 0;
  worker.runner_channel = 0;
  worker.signer_channel = 0;
  if (expected) remove_empty_cgroup(worker);
  if (worker.retired) {
    on_retired_death(worker, has_left, lived);
  } else if (worker.outdated) {
    // What waits in its channels is for its successor, if there is to be one.
    if (!worker.wanted) {
      for (RouterEnd& kept : worker.router_ends) kept.end.reset();
    }
  } else {
    on_worker_failure(worker, lived);
  }
}

// What the routers had sent to one that dies on its way out is served by a successor, which then
// leaves in its place. Only once: whom its visitors kill is not started for ever.
void MasterLoop::on_retired_death(WorkerChild& worker, bool has_left, Clock::duration lived) {
  worker.back_off.on_death(now_, lived);
  const bool may_follow = !drain_until_ && worker.back_off.delay().count() == 0;
  if (!has_left && may_follow) start_worker(worker);
  if (worker.child.state != ChildState::absent) return;
  std::erase_if(groups_.at(worker.site).retired,
                [&](const auto& one) { return one.get() == &worker; });
}

// One that starts has been promised the group, which it may not have joined yet.
void MasterLoop::remove_empty_cgroup(const WorkerChild& worker) {
  // A successor's processes may be about to join it.
  if (!table_.has_cgroups || gives_way_) return;
  if (is_of_its_site(worker) && groups_.at(worker.site).serves_or_starts()) return;
  remove_cgroup(worker.site, worker.name);
}

// What it counted is kept, if the number is still that site's.
void MasterLoop::remove_cgroup(SiteId site, const std::string& name) {
  const BorrowedFd groups(MasterFds::site_cgroups);
  const auto usage = read_cgroup_usage(groups, name);
  if (!remove_site_cgroup(groups, name) || !usage || table_.sites[site.value].name != name) return;
  SiteHistory& history = histories_[site];
  history.usage = {};
  history.earlier.killed += usage->killed;
  history.earlier.forks_refused += usage->forks_refused;
  history.earlier.throttled_us += usage->throttled_us;
}

// A first failure is mended at once, by a successor that serves what waits in the channels. What
// waits for a worker that may not be started again yet is let go: its clients see the connection
// close, instead of nothing for as long as the trouble lasts.
void MasterLoop::on_worker_failure(WorkerChild& worker, Clock::duration lived) {
  worker.back_off.on_death(now_, lived);
  if (!drain_until_ && worker.back_off.delay().count() == 0) return;
  for (RouterEnd& kept : worker.router_ends) kept.end.reset();
  // Nobody may be waiting for it any more: it is for the next visitor to say so.
  worker.wanted = !drain_until_ && record_of(worker).life.start == StartPolicy::always &&
                  worker.slot < record_of(worker).life.least_workers;
  if (!drain_until_) tell_if_down(worker.site);
}

}  // namespace perchild
