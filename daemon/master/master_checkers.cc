// The master's side towards the sites' checkers. A checker runs for as long as a worker of its site
// does; it keeps nothing, so that it can be ended and started again at any moment.
//
// Runs in: master.
// Does not trust: checkers. What one says is either permitted now, or the end of it.
#include <unistd.h>

#include "daemon/master/hear.h"
#include "daemon/master/log_files.h"
#include "daemon/master/master.h"
#include "privsep/cgroup.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/spawn.h"

namespace perchild {
namespace {

// It ends by itself to read changed files anew. One that does so all the time is held back.
constexpr std::chrono::seconds healthy_life{1};

}  // namespace

// Before a worker of its site starts.
void MasterLoop::want_checker(SiteId site) {
  const SiteRecord& record = table_.sites[site.value];
  if (record.checker_settings.empty()) return;
  SiteGroup& group = groups_.at(site);
  if (!group.checker) {
    group.checker = std::make_unique<CheckerChild>(site, record.name);
  }
  if (group.checker->child.state == ChildState::absent) start_checker(*group.checker);
}

void MasterLoop::start_checker(CheckerChild& checker) {
  auto control =
      start(checker, {.role = Role::checker,
                      .executable = MasterFds::checker_executable,
                      .filter = MasterFds::checker_filter,
                      .settings = table_.sites[checker.site.value].checker_settings,
                      .more_fds = {{BorrowedFd(MasterFds::empty_root), ChildFds::checker_root}}});
  if (control) checker.control.emplace(std::move(*control));
}

// The master's end of its channel, unless it is held back or cannot be started.
std::optional<UniqueFd> MasterLoop::start(CompanionChild& companion, const CompanionPlan& plan) {
  if (companion.back_off.next_start() > now_) return std::nullopt;
  auto control = spawn_companion(companion, plan);
  if (control) return std::move(*control);
  log_.line(Priority::error, companion.name + " cannot be started: " + control.error().text());
  companion.back_off.on_death(now_, Clock::duration::zero());
  return std::nullopt;
}

Result<UniqueFd> MasterLoop::spawn_companion(CompanionChild& companion,
                                             const CompanionPlan& plan) const {
  const SiteRecord& record = table_.sites[companion.site.value];
  const auto error_log =
      open_log_file(BorrowedFd(MasterFds::log_directory), record.name, LogKind::error);
  if (!error_log) return failure(error_log.error());
  const auto settings = make_sealed_memory("settings", plan.settings);
  if (!settings) return failure(settings.error());
  auto pair = make_channel_pair();
  if (!pair) return failure(pair.error());
  const auto cgroup = make_cgroup_of(companion.site);
  if (!cgroup) return failure(cgroup.error());
  std::vector<PlacedFd> fds{
      {BorrowedFd(STDIN_FILENO), STDIN_FILENO},    {BorrowedFd(STDIN_FILENO), STDOUT_FILENO},
      {error_log->borrow(), ChildFds::log},        {pair->second.borrow(), ChildFds::control},
      {BorrowedFd(plan.filter), ChildFds::filter}, {settings->borrow(), ChildFds::settings}};
  fds.insert(fds.end(), plan.more_fds.begin(), plan.more_fds.end());
  auto process =
      spawn({.role = plan.role,
             .identity = {record.uid.uid(), record.gid, record.groups},
             .executable = BorrowedFd(plan.executable),
             .title = std::string(executable_of(plan.role)) + " " + record.name,
             .fds = fds,
             .environment = {},
             .cgroup = cgroup->has_value() ? std::optional(cgroup->borrow()) : std::nullopt});
  if (!process) return failure(process.error());
  companion.child = {ChildState::locking_down, process->pid, std::move(process->pidfd), now_};
  return std::move(pair->first);
}

// Gives this worker and the site's checker a channel, if both serve and have none. A worker that is
// on its way out may be of another time than the checker, with other lists.
void MasterLoop::introduce(WorkerChild& worker) {
  SiteGroup& group = groups_.at(worker.site);
  if (worker.child.state != ChildState::serving || worker.checker_channel != 0) return;
  if (worker.retired || group.checker == nullptr) return;
  CheckerChild& checker = *group.checker;
  if (checker.child.state != ChildState::serving || !checker.control || !worker.control) return;
  auto pair = make_channel_pair();
  if (!pair) {
    // Its successor finds more room, or waits longer and longer for it.
    end(checker.child, checker.name + ": " + pair.error().text());
    return;
  }
  worker.checker_channel = ++group.channels;
  if (checker.control->send(AttachWorker{worker.checker_channel}, pair->first.borrow()) !=
      SendStatus::sent) {
    end(checker.child, checker.name + " does not read its messages");
  } else if (worker.control->send(AttachChecker{worker.checker_channel}, pair->second.borrow()) !=
             SendStatus::sent) {
    end(worker.child, name_of_worker(worker) + " does not read its messages");
  }
}

// Its site has changed: it is for the workers that have it, until they have left.
void MasterLoop::retire_checker(SiteGroup& group) {
  if (!group.checker) return;
  if (group.checker->child.state != ChildState::serving) end(group.checker->child, "");
  if (group.checker->child.state != ChildState::absent) {
    group.retired_checkers.push_back(std::move(group.checker));
  }
  group.checker.reset();
}

void MasterLoop::on_checker_readable(CheckerChild& checker) {
  constexpr int messages_at_once = 1;
  hear(
      checker.control, checker.child, now_, messages_at_once,
      [&](const auto& message) { return on_message(checker, message); },
      [&](Offence) { end(checker.child, checker.name + " sent what it may not send"); });
}

bool MasterLoop::on_message(CheckerChild& checker, const LockDownComplete& message) {
  const SiteRecord& record = table_.sites[checker.site.value];
  const Identity identity{record.uid.uid(), record.gid, record.groups};
  if (checker.child.state != ChildState::locking_down ||
      message.pid != static_cast<std::uint32_t>(checker.child.pid) ||
      !verify(checker.child, Role::checker, identity, checker.name)) {
    return false;
  }
  checker.child.state = ChildState::serving;
  groups_.at(checker.site).for_each_running([&](WorkerChild& worker) { introduce(worker); });
  return true;
}

// The worker may be gone already, and then there is nothing left to do.
bool MasterLoop::on_message(CheckerChild& checker, const PeerViolation& message) {
  SiteGroup& group = groups_.at(checker.site);
  if (checker.child.state != ChildState::serving || message.channel > group.channels) {
    return false;
  }
  group.for_each_running([&](WorkerChild& worker) {
    if (worker.checker_channel != message.channel) return;
    end(worker.child, name_of_worker(worker) + " sent its checker what it may not send");
  });
  return true;
}

// Likewise of the checker or the runner, which may have a successor. One that has retired ends with
// its workers.
bool MasterLoop::on_message(WorkerChild& worker, const PeerViolation& message) {
  SiteGroup& group = groups_.at(worker.site);
  if (worker.child.state != ChildState::serving || message.channel > group.channels) {
    return false;
  }
  if (message.channel == worker.checker_channel && !worker.retired && group.checker) {
    end(group.checker->child, group.checker->name + " sent a worker what it may not send");
  }
  if (message.channel == worker.runner_channel && !worker.retired && group.runner) {
    end(group.runner->child, group.runner->name + " sent a worker what it may not send");
  }
  return true;
}

void MasterLoop::on_checker_death(CheckerChild& checker, int status) {
  SiteGroup& group = groups_.at(checker.site);
  const Clock::duration lived = now_ - checker.child.started_at;
  if (status != 0 && checker.child.state != ChildState::ending) {
    log_.line(Priority::error, describe_death(checker.name, checker.child.pid, status));
  }
  // Its last process, perhaps, if it outlived the workers.
  if (table_.has_cgroups && !gives_way_ && !group.runs()) {
    remove_cgroup(checker.site, checker.site_name);
  }
  if (&checker != group.checker.get()) {
    std::erase_if(group.retired_checkers, [&](const auto& one) { return one.get() == &checker; });
    return;
  }
  checker.control.reset();
  checker.child = {};
  group.for_each_running([](WorkerChild& worker) {
    if (!worker.retired) worker.checker_channel = 0;
  });
  if (status != 0 || lived < healthy_life) checker.back_off.on_death(now_, lived);
}

void MasterLoop::on_checker_timers(const SiteGroup& group) {
  if (group.retired.empty()) {
    for (const auto& checker : group.retired_checkers) end(checker->child, "");
  }
  if (!group.checker) return;
  if (!group.runs()) {
    end(group.checker->child, "");
  } else if (group.checker->child.state == ChildState::absent && !drain_until_) {
    start_checker(*group.checker);
  }
}

}  // namespace perchild
