// The master's side towards the sites' runners. A runner runs for as long as a worker of its site
// does. It is PID 1 of the site's programs, which end with it.
//
// Runs in: master.
// Does not trust: runners. What one says is either permitted now, or the end of it.
#include <algorithm>

#include "daemon/master/hear.h"
#include "daemon/master/log_files.h"
#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"

namespace perchild {

// Before a worker of its site starts.
void MasterLoop::want_runner(SiteId site) {
  const SiteRecord& record = table_.sites[site.value];
  if (record.runner_settings.empty()) return;
  SiteGroup& group = groups_.at(site);
  if (!group.runner) group.runner = std::make_unique<RunnerChild>(site, record.name);
  if (group.runner->child.state == ChildState::absent) start_runner(*group.runner);
}

void MasterLoop::start_runner(RunnerChild& runner) {
  auto control = start(runner, {.role = Role::runner,
                                .executable = MasterFds::runner_executable,
                                .filter = MasterFds::runner_filter,
                                .settings = table_.sites[runner.site.value].runner_settings});
  if (control) runner.control.emplace(std::move(*control));
}

// Gives this worker and the site's runner a channel, if both serve and have none. A worker that is
// on its way out may be of another time than the runner, with other programs.
void MasterLoop::introduce_to_runner(WorkerChild& worker) {
  SiteGroup& group = groups_.at(worker.site);
  if (worker.child.state != ChildState::serving || worker.runner_channel != 0) return;
  if (worker.retired || group.runner == nullptr) return;
  RunnerChild& runner = *group.runner;
  if (runner.child.state != ChildState::serving || !runner.control || !worker.control) return;
  auto pair = make_channel_pair();
  if (!pair) {
    // Its successor finds more room, or waits longer and longer for it.
    end(runner.child, runner.name + ": " + pair.error().text());
    return;
  }
  worker.runner_channel = ++group.channels;
  if (runner.control->send(AttachClient{worker.runner_channel}, pair->first.borrow()) !=
      SendStatus::sent) {
    end(runner.child, runner.name + " does not read its messages");
  } else if (worker.control->send(AttachRunner{worker.runner_channel}, pair->second.borrow()) !=
             SendStatus::sent) {
    end(worker.child, name_of_worker(worker) + " does not read its messages");
  }
}

// Its site has changed: it is for the workers that have it, until they have left.
void MasterLoop::retire_runner(SiteGroup& group) {
  if (!group.runner) return;
  if (group.runner->child.state != ChildState::serving) end(group.runner->child, "");
  if (group.runner->child.state != ChildState::absent) {
    group.retired_runners.push_back(std::move(group.runner));
  }
  group.runner.reset();
}

void MasterLoop::on_runner_readable(RunnerChild& runner) {
  constexpr int messages_at_once = 1;
  hear(
      runner.control, runner.child, now_, messages_at_once,
      [&](const auto& message) { return on_message(runner, message); },
      [&](Offence) { end(runner.child, runner.name + " sent what it may not send"); });
}

bool MasterLoop::on_message(RunnerChild& runner, const LockDownComplete& message) {
  constexpr std::uint32_t first_of_its_namespace = 1;
  const SiteRecord& record = table_.sites[runner.site.value];
  const Identity identity{record.uid.uid(), record.gid, record.groups};
  if (runner.child.state != ChildState::locking_down || message.pid != first_of_its_namespace ||
      !verify(runner.child, Role::runner, identity, runner.name)) {
    return false;
  }
  runner.child.state = ChildState::serving;
  if (runner.child.started_at <= logs_reopened_at_) reopen_log(runner);
  tell_of_mail(runner);
  groups_.at(runner.site).for_each_running([&](WorkerChild& worker) {
    introduce_to_runner(worker);
  });
  return true;
}

// The worker may be gone already, and then there is nothing left to do.
bool MasterLoop::on_message(RunnerChild& runner, const PeerViolation& message) {
  SiteGroup& group = groups_.at(runner.site);
  if (runner.child.state != ChildState::serving || message.channel > group.channels) return false;
  group.for_each_running([&](WorkerChild& worker) {
    if (worker.runner_channel != message.channel) return;
    end(worker.child, name_of_worker(worker) + " sent its runner what it may not send");
  });
  return true;
}

// Else a site would only have to sleep for its mail to be counted from nothing.
void MasterLoop::tell_of_mail(RunnerChild& runner) {
  const auto history = histories_.find(runner.site);
  if (history == histories_.end() || history->second.mail_recipients == 0 || !runner.control)
    return;
  const MailSent before{history->second.mail_since, history->second.mail_recipients};
  if (runner.control->send(before) != SendStatus::sent) {
    end(runner.child, runner.name + " does not read its messages");
  }
}

// It speaks of its own site alone. One that lies can send without being asked for a word of it.
bool MasterLoop::on_message(RunnerChild& runner, const MailSent& message) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch());
  if (runner.child.state != ChildState::serving || message.since > now.count() + 1) return false;
  SiteHistory& history = histories_[runner.site];
  if (message.since < history.mail_since) return true;
  if (message.since > history.mail_since) history.mail_recipients = 0;
  history.mail_since = message.since;
  history.mail_recipients =
      std::min(history.mail_recipients + message.recipients, std::uint32_t{MailSent::most});
  return true;
}

bool MasterLoop::reopen_log(RunnerChild& runner) {
  if (runner.child.state != ChildState::serving || !runner.control) return true;
  const auto file =
      open_log_file(BorrowedFd(MasterFds::log_directory), runner.site_name, LogKind::error);
  if (!file) {
    log_.line(Priority::error, runner.name + ": " + file.error().text());
    return false;
  }
  if (runner.control->send(ReplaceLog{1}, file->borrow()) != SendStatus::sent) {
    end(runner.child, runner.name + " does not read its messages");
  }
  return true;
}

void MasterLoop::on_runner_death(RunnerChild& runner, int status) {
  SiteGroup& group = groups_.at(runner.site);
  const Clock::duration lived = now_ - runner.child.started_at;
  if (runner.child.state != ChildState::ending) {
    log_.line(Priority::error, describe_death(runner.name, runner.child.pid, status));
  }
  // The site's last process, perhaps, if it outlived the workers.
  if (table_.has_cgroups && !gives_way_ && !group.runs()) {
    remove_cgroup(runner.site, runner.site_name);
  }
  if (&runner != group.runner.get()) {
    std::erase_if(group.retired_runners, [&](const auto& one) { return one.get() == &runner; });
    return;
  }
  const bool told_to =
      runner.child.state == ChildState::ending && runner.child.ended_because.empty();
  runner.control.reset();
  runner.child = {};
  group.for_each_running([](WorkerChild& worker) {
    if (!worker.retired) worker.runner_channel = 0;
  });
  if (!told_to) runner.back_off.on_death(now_, lived);
}

void MasterLoop::on_runner_timers(const SiteGroup& group) {
  if (group.retired.empty()) {
    for (const auto& runner : group.retired_runners) end(runner->child, "");
  }
  if (!group.runner) return;
  if (!group.runs()) {
    end(group.runner->child, "");
  } else if (group.runner->child.state == ChildState::absent && !drain_until_) {
    start_runner(*group.runner);
  }
}

}  // namespace perchild
