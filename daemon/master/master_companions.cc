// The master's side towards the processes beside the workers of a site, and under its ids: its
// checkers and runners. One runs for as long as a worker of its generation of the site does. What
// only one kind says is in master_checkers.cc and master_runners.cc.
//
// Runs in: master.
// Does not trust: checkers, runners.
#include <unistd.h>

#include "daemon/master/log_files.h"
#include "daemon/master/master.h"
#include "privsep/cgroup.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/spawn.h"

namespace perchild {
namespace {

// What starts one, besides what every child has.
struct Plan {
  Role role;
  int executable, filter;            // of MasterFds
  std::vector<PlacedFd> more_fds{};  // from the first number behind the settings on
};

Plan plan_of(const CheckerChild&) {
  return {.role = Role::checker,
          .executable = MasterFds::checker_executable,
          .filter = MasterFds::checker_filter,
          .more_fds = {{BorrowedFd(MasterFds::empty_root), ChildFds::checker_root}}};
}

Plan plan_of(const RunnerChild&) {
  return {.role = Role::runner,
          .executable = MasterFds::runner_executable,
          .filter = MasterFds::runner_filter};
}

std::uint32_t& channel_between(WorkerChild& worker, const CheckerChild&) {
  return worker.checker_channel;
}
std::uint32_t& channel_between(WorkerChild& worker, const RunnerChild&) {
  return worker.runner_channel;
}

template <typename Kind>
Kind& ensure(Companions<Kind>& companions, SiteId site, const SiteRecord& record) {
  Kind* found = companion_of(companions, Generation{record.generation});
  if (found != nullptr) return *found;
  return *companions.emplace_back(std::make_unique<Kind>(site, record));
}

}  // namespace

// Before a worker of its site starts.
void MasterLoop::want_companions(SiteId site) {
  const SiteRecord& record = table_.sites[site.value];
  SiteGroup& group = groups_.at(site);
  if (!record.checker_settings.empty()) start(ensure(group.checkers, site, record));
  if (record.runner_settings.empty()) return;
  RunnerChild& runner = ensure(group.runners, site, record);
  if (record.spare_kind) runner.spare_kind = table_.spares[*record.spare_kind];
  start(runner);
}

// Unless it runs, or is held back.
template <typename Kind>
void MasterLoop::start(Kind& companion) {
  if (companion.child.state != ChildState::absent || companion.back_off.next_start() > now_) return;
  const auto failed = [&](const SysError& error) {
    log_.line(Priority::error, companion.name + " cannot be started: " + error.text());
    companion.back_off.on_death(now_, Clock::duration::zero());
  };
  const auto error_log =
      open_log_file(BorrowedFd(MasterFds::log_directory), companion.site_name, LogKind::error);
  if (!error_log) return failed(error_log.error());
  const auto settings = make_sealed_memory("settings", companion.settings);
  if (!settings) return failed(settings.error());
  // With the limits that the site has by now, if it is still there: its new workers share them.
  const SiteRecord& record = table_.sites[companion.site.value];
  const bool is_still_there = record.name == companion.site_name;
  const auto cgroup =
      make_cgroup(companion.site_name, is_still_there ? record.limits : companion.limits);
  if (!cgroup) return failed(cgroup.error());
  if constexpr (std::same_as<Kind, RunnerChild>) {
    if (make_of_spare(companion,
                      {error_log->borrow(), settings->borrow(), cgroup->borrow_if_any()})) {
      return;
    }
  }
  auto pair = make_channel_pair();
  if (!pair) return failed(pair.error());
  if (const auto watched = site_channels_.watch(companion.site, pair->first.borrow()); !watched) {
    return failed(watched.error());
  }
  const Plan plan = plan_of(companion);
  std::vector<PlacedFd> fds{
      {BorrowedFd(STDIN_FILENO), STDIN_FILENO},    {BorrowedFd(STDIN_FILENO), STDOUT_FILENO},
      {error_log->borrow(), ChildFds::log},        {pair->second.borrow(), ChildFds::control},
      {BorrowedFd(plan.filter), ChildFds::filter}, {settings->borrow(), ChildFds::settings}};
  fds.insert(fds.end(), plan.more_fds.begin(), plan.more_fds.end());
  auto process = spawn({.role = plan.role,
                        .identity = companion.identity,
                        .executable = BorrowedFd(plan.executable),
                        .title = std::string(executable_of(plan.role)) + " " + companion.site_name,
                        .fds = fds,
                        .environment = {},
                        .cgroup = cgroup->borrow_if_any()});
  if (!process) return failed(process.error());
  companion.child = {ChildState::locking_down, process->pid, std::move(process->pidfd), now_};
  companion.control.emplace(std::move(pair->first));
}

void MasterLoop::introduce_to_companions(WorkerChild& worker) {
  const SiteGroup& group = groups_.at(worker.site);
  if (auto* checker = companion_of(group.checkers, worker.generation)) introduce(worker, *checker);
  if (auto* runner = companion_of(group.runners, worker.generation)) introduce(worker, *runner);
}

// To the workers of its generation.
template <typename Kind>
void MasterLoop::introduce_to_workers(Kind& companion) {
  groups_.at(companion.site).for_each_running([&](WorkerChild& worker) {
    if (worker.generation == companion.generation) introduce(worker, companion);
  });
}
template void MasterLoop::introduce_to_workers(CheckerChild&);
template void MasterLoop::introduce_to_workers(RunnerChild&);

// Gives both a channel to each other, if they serve and have none.
template <typename Kind>
void MasterLoop::introduce(WorkerChild& worker, Kind& companion) {
  std::uint32_t& channel = channel_between(worker, companion);
  if (channel != 0 || worker.child.state != ChildState::serving || !worker.control) return;
  if (companion.child.state != ChildState::serving || !companion.control) return;
  if (companion.child.leave_by) return;  // its successor is
  auto pair = make_channel_pair();
  if (!pair) {
    // Its successor finds more room, or waits longer and longer for it.
    end(companion.child, companion.name + ": " + pair.error().text());
    return;
  }
  channel = ++groups_.at(worker.site).channels;
  send(companion, typename Kind::Attach{channel}, pair->first.borrow());
  send(worker, typename Kind::AttachToWorker{channel}, pair->second.borrow());
}

// Whether `said` may be: of a worker, by a companion of its site. The worker may be gone already,
// and then there is nothing left to do.
template <typename Kind>
bool MasterLoop::punish_worker(Kind& companion, const PeerViolation& said) {
  const SiteGroup& group = groups_.at(companion.site);
  if (companion.child.state != ChildState::serving || said.channel > group.channels) return false;
  group.for_each_running([&](WorkerChild& worker) {
    if (channel_between(worker, companion) != said.channel) return;
    end(worker.child, name_of(worker) + " sent the " + companion.name + " what it may not send");
  });
  return true;
}
template bool MasterLoop::punish_worker(CheckerChild&, const PeerViolation&);
template bool MasterLoop::punish_worker(RunnerChild&, const PeerViolation&);

// Likewise of a companion, which may have a successor.
bool MasterLoop::on_message(WorkerChild& worker, const PeerViolation& message) {
  const SiteGroup& group = groups_.at(worker.site);
  if (worker.child.state != ChildState::serving || message.channel > group.channels) return false;
  const auto punish = [&](auto* companion) {
    if (companion == nullptr || channel_between(worker, *companion) != message.channel) return;
    end(companion->child, companion->name + " sent a worker what it may not send");
  };
  punish(companion_of(group.checkers, worker.generation));
  punish(companion_of(group.runners, worker.generation));
  return true;
}

// `is_failure`: its successor may have to wait.
template <typename Kind>
void MasterLoop::on_companion_death(Kind& companion, bool is_failure) {
  const SiteGroup& group = groups_.at(companion.site);
  const Clock::duration lived = now_ - companion.child.started_at;
  companion.control.reset();
  companion.child = {};
  if (is_failure) companion.back_off.on_death(now_, lived);
  group.for_each_running([&](WorkerChild& worker) {
    if (worker.generation == companion.generation) channel_between(worker, companion) = 0;
  });
  // The site's last process, perhaps, if it outlived the workers.
  if (table_.has_cgroups && !gives_way_ && !group.runs()) {
    remove_cgroup(companion.site, companion.site_name);
  }
}
template void MasterLoop::on_companion_death(CheckerChild&, bool);
template void MasterLoop::on_companion_death(RunnerChild&, bool);

// Those whose workers have left are ended, and those that have died are started again.
template <typename Kind>
void MasterLoop::keep(const SiteGroup& group, Companions<Kind>& companions) {
  std::erase_if(companions, [&](const auto& one) {
    const bool is_wanted = group.runs(one->generation);
    if (is_wanted && !drain_until_) start(*one);
    if (!is_wanted && !may_finish(*one)) end(one->child, "");
    return !is_wanted && one->child.state == ChildState::absent;
  });
}

void MasterLoop::keep_companions(SiteGroup& group) {
  keep(group, group.checkers);
  keep(group, group.runners);
}

std::optional<Clock::time_point> MasterLoop::next_timer_of(const CompanionChild& companion) const {
  if (companion.child.state != ChildState::absent) return deadline_of(companion.child);
  if (drain_until_ || !groups_.at(companion.site).runs(companion.generation)) return std::nullopt;
  return companion.back_off.next_start();
}

}  // namespace perchild
