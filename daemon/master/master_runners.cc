// The master's side towards the sites' runners. A runner is PID 1 of the site's programs, which end
// with it.
//
// Runs in: master.
// Does not trust: runners. What one says is either permitted now, or the end of it.
#include <algorithm>

#include "daemon/master/hear.h"
#include "daemon/master/log_files.h"
#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"

namespace perchild {

void MasterLoop::on_runner_readable(RunnerChild& runner) {
  constexpr int messages_at_once = 1;
  hear(
      runner.control, runner.child, now_, messages_at_once,
      [&](const auto& message) { return on_message(runner, message); },
      [&](Offence) { end(runner.child, runner.name + " sent what it may not send"); });
}

bool MasterLoop::on_message(RunnerChild& runner, const LockDownComplete& message) {
  constexpr std::uint32_t first_of_its_namespace = 1;
  if (runner.child.state != ChildState::locking_down || message.pid != first_of_its_namespace ||
      !verify(runner.child, Role::runner, runner.identity, runner.name)) {
    return false;
  }
  runner.child.state = ChildState::serving;
  if (runner.child.started_at <= logs_reopened_at_) reopen_log(runner);
  tell_of_mail(runner);
  give_sessions(runner);
  introduce_to_workers(runner);
  return true;
}

// The worker may be gone already, and then there is nothing left to do.
bool MasterLoop::on_message(RunnerChild& runner, const PeerViolation& message) {
  return punish_worker(runner, message);
}

// Else a site would only have to sleep for its mail to be counted from nothing.
void MasterLoop::tell_of_mail(RunnerChild& runner) {
  const MailLedger::Time now = MailLedger::time_of(now_);
  hear_of_mail(now, &runner);
  for (const auto& [since, recipients] : mail_ledger_.of(runner.site_name, now)) {
    send(runner, MailSent{since, recipients, 0});
  }
}

// Of the master beside this one, during an upgrade. Before anything is added, so that nobody is
// told of its own; nor is who is about to be told of everything.
void MasterLoop::hear_of_mail(MailLedger::Time now, const RunnerChild* untold) {
  for (const MailLedger::Record& sent : mail_ledger_.catch_up(now)) {
    tell_others_of_mail(sent.site.view(), {sent.since, sent.recipients, 0}, untold);
  }
}

// A site has two runners while one generation of it follows another.
void MasterLoop::tell_others_of_mail(std::string_view site, const MailSent& sent,
                                     const RunnerChild* untold) {
  for (auto& [id, group] : groups_) {
    for_each_running(group.runners, [&](RunnerChild& runner) {
      const bool is_told = runner.site_name == site && &runner != untold;
      if (is_told && runner.child.state == ChildState::serving) send(runner, sent);
    });
  }
}

// It speaks of its own site alone. One that lies can send without being asked for a word of it.
bool MasterLoop::on_message(RunnerChild& runner, const MailSent& message) {
  // Its clock is ours, and it has read it before we have.
  const std::uint64_t now = MailLedger::time_of(Clock::now());
  if (runner.child.state != ChildState::serving || message.since > now) return false;
  hear_of_mail(now, nullptr);
  mail_ledger_.add(runner.site_name, message.since, message.recipients, now);
  tell_others_of_mail(runner.site_name, message, &runner);
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
  send(runner, ReplaceLog{1}, file->borrow());
  return true;
}

void MasterLoop::on_runner_death(RunnerChild& runner, int status) {
  const bool is_ending = runner.child.state == ChildState::ending;
  const bool has_left = runner.child.leave_by && status == 0;
  if (has_left) keep_sessions(runner);
  runner.sessions.reset();
  if (!is_ending && !has_left) {
    log_.line(Priority::error, describe_death(runner.name, runner.child.pid, status));
  }
  if (runner.was_spare && runner.child.state == ChildState::locking_down) {
    runner.spare_has_failed = true;
    spare_back_off_.on_death(now_, Clock::duration::zero());
  }
  const bool was_told_to = is_ending && runner.child.ended_because.empty();
  on_companion_death(runner, !was_told_to && !has_left);
}

}  // namespace perchild
