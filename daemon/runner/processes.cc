#include "daemon/runner/processes.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/runner/descendants.h"

namespace perchild {
namespace {

// Its number is its group's too, and nobody else's before it is reaped. Who leads no session may
// have gone to another group.
void signal_group(::pid_t pid, int signal) {
  ::kill(-pid, signal);
  if (::getpgid(pid) != pid) ::kill(pid, signal);
}

}  // namespace

Result<::pid_t> Processes::start(const ProgramStart& start, ProcessOwner& owner) {
  auto started = start_program(start);
  if (!started) {
    if (started.error().error == EAGAIN && processes_.empty()) end_strays();
    return failure(started.error());
  }
  processes_.emplace(started->pid, Process{&owner, {std::move(started->errors), owner.name()}});
  return started->pid;
}

// What leads a session can never leave it: end() reaches it. Of what is another's child nobody
// would hear here that it has ended, or that its number is somebody else's by now.
bool Processes::adopt(::pid_t pid, UniqueFd errors, ProcessOwner& owner) {
  ::siginfo_t info{};
  if (pid <= 1 || ::getsid(pid) != pid ||
      ::waitid(P_PID, static_cast<::id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return false;
  }
  return processes_.try_emplace(pid, Process{&owner, {std::move(errors), owner.name()}}).second;
}

// All at once: the kernel lets none of them have a child meanwhile.
void Processes::kill_everybody() {
  ::kill(-1, SIGKILL);
}

void Processes::end_all() {
  kill_everybody();
  ::siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_pid != 0) {
  }
}

void Processes::end_strays() {
  kill_everybody();
  log_.add(
      {.message = "what programs had left running has used up the site's processes, and is ended"});
}

void Processes::end(::pid_t pid, Clock::time_point now) {
  const auto found = processes_.find(pid);
  if (found == processes_.end() || found->second.kill_at) return;
  signal_group(pid, SIGTERM);
  found->second.kill_at = now + patience;
}

// First those: with their parents they would be the runner's children like any others.
void Processes::end_with_descendants(::pid_t pid, Clock::time_point now) {
  if (!processes_.contains(pid)) return;
  for (const ::pid_t descendant : descendants_outside_group(pid)) ::kill(descendant, SIGKILL);
  end(pid, now);
}

void Processes::append_polled(std::vector<::pollfd>& polled) {
  first_polled_ = polled.size();
  for (const auto& [pid, process] : processes_) {
    if (process.errors.open()) polled.push_back({process.errors.fd().get(), POLLIN, 0});
  }
}

void Processes::read_errors(std::span<const ::pollfd> polled) {
  std::size_t at = first_polled_;
  for (auto& [pid, process] : processes_) {
    if (process.errors.open() && polled[at++].revents != 0) process.errors.read(log_);
  }
}

void Processes::reap() {
  for (;;) {
    ::siginfo_t info{};
    // Looked at first: once it is reaped its number may be another's.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const auto found = processes_.find(info.si_pid);
    // What it has started in its group goes with it.
    if (found != processes_.end()) ::kill(-info.si_pid, SIGKILL);
    ::waitid(P_PID, static_cast<::id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    if (found == processes_.end()) continue;  // nobody's
    Process& process = found->second;
    process.errors.read(log_);
    process.errors.finish(log_);
    say_how_it_ended(process, info.si_pid, info.si_code, info.si_status);
    ProcessOwner& owner = *process.owner;
    processes_.erase(found);
    owner.on_end(info.si_pid, info.si_code == CLD_EXITED && info.si_status == 0);
  }
}

void Processes::say_how_it_ended(const Process& process, ::pid_t pid, int code, int status) {
  // One that dies is let go of by whoever sees it, perhaps before its end is seen here.
  const bool is_ours = process.kill_at && (status == SIGTERM || status == SIGKILL);
  if (is_ours || code == CLD_EXITED) return;
  const char* signal = ::sigabbrev_np(status);
  const std::string text = process.owner->name() + " (pid " + std::to_string(pid) +
                           ") was killed by SIG" + (signal != nullptr ? signal : "?");
  log_.add({.message = text});
}

void Processes::on_timers(Clock::time_point now) {
  for (auto& [pid, process] : processes_) {
    if (process.killed || !process.kill_at || *process.kill_at > now) continue;
    signal_group(pid, SIGKILL);
    process.killed = true;
  }
}

std::optional<Clock::time_point> Processes::next_timer() const {
  std::optional<Clock::time_point> first;
  for (const auto& [pid, process] : processes_) {
    if (process.killed || !process.kill_at) continue;
    if (!first || *process.kill_at < *first) first = process.kill_at;
  }
  return first;
}

}  // namespace perchild
