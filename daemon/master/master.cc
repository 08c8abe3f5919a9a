#include "daemon/master/master.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "privsep/child_end.h"
#include "privsep/inherited_fds.h"
#include "privsep/process_status.h"
#include "privsep/service_manager.h"

namespace perchild {
namespace {

// A child that has not locked itself down by then never will.
constexpr std::chrono::seconds lock_down_deadline{20};

constexpr std::chrono::milliseconds blocked_outbox_retry{10};

// A channel ends with its process, or a little before it; an empty message, which any child can
// send, looks the same. One that then still lives would be heard and told nothing more.
constexpr std::chrono::seconds hang_up_deadline{2};

// A worker answers once in each turn of its loop; none takes so long.
constexpr std::chrono::seconds answer_deadline{5};

// A router takes what it is told in each turn of its own. For one that does not, more and more
// would be kept, with descriptors.
constexpr std::chrono::seconds reading_deadline{10};

constexpr int exit_ok = 0;
constexpr int exit_start_failed = 1;

}  // namespace

std::optional<Clock::time_point> deadline_of(const Child& child) {
  if (child.state == ChildState::absent || child.state == ChildState::ending) return std::nullopt;
  if (child.hung_up_at) return *child.hung_up_at + hang_up_deadline;
  if (child.state == ChildState::locking_down) return child.started_at + lock_down_deadline;
  const auto never = Clock::time_point::max();
  const auto answer = child.asked_at ? *child.asked_at + answer_deadline : never;
  const auto first = std::min(answer, child.leave_by.value_or(never));
  return first == never ? std::nullopt : std::optional(first);
}

std::string complaint_about(const Child& child) {
  if (child.hung_up_at) return " has hung up but not ended";
  if (child.leave_by && child.leave_by <= Clock::now()) return " has not finished in time";
  return child.asked_at ? " does not answer" : " does not lock itself down";
}

MasterLoop::MasterLoop(LockedDown<Role::master>, SealedMapping table_memory, SiteTable table,
                       UniqueFd signals, SiteChannels site_channels, const ServerLog& log)
    : table_memory_(std::move(table_memory)),
      table_(std::move(table)),
      signals_(std::move(signals)),
      site_channels_(std::move(site_channels)),
      log_(log),
      control_peers_(UniqueFd(MasterFds::control_socket), UniqueFd(MasterFds::status_socket)),
      routers_(table_.routers),
      mail_ledger_(UniqueFd(MasterFds::mail_ledger), MailLedger::time_of(Clock::now())),
      start_budget_(table_.groups.starts_per_second) {
  take_keys();
  for (std::size_t i = 0; i < table_.listeners.size(); ++i) {
    listeners_.emplace_back(MasterFds::first_listener + static_cast<int>(i));
  }
}

// The master is held to the same policy as its children, by its own look at /proc.
bool MasterLoop::prove_own_state() {
  const auto status = read_process_status(::getpid());
  if (!status) {
    log_.line(Priority::critical, status.error().text());
    return false;
  }
  own_filters_ = status->seccomp_filters;
  const Identity identity{Uid{::geteuid()}, Gid{::getegid()}, {}};
  const auto difference =
      own_filters_ == 0 ? std::optional<std::string>("it has no system-call filter")
                        : difference_from_policy(*status, Role::master, identity, own_filters_);
  if (difference) log_.line(Priority::critical, "the master is not locked down: " + *difference);
  return !difference;
}

int MasterLoop::run() {
  started_at_ = now_ = Clock::now();
  if (!prove_own_state()) return exit_start_failed;
  start_keeper();
  for (std::size_t i = 0; i < routers_.size(); ++i) start_router(i);
  for (std::uint32_t i = 0; i < table_.sites.size(); ++i) {
    if (table_.sites[i].life.start == StartPolicy::always) wake(SiteId{i});
  }
  while (!failed_ && !(drain_until_ && every_child_gone())) {
    wait_and_dispatch();
    on_timers();
    announce_ready();
  }
  if (failed_) kill_all();
  log_.line(Priority::info, "stopped");
  return failed_ ? exit_start_failed : exit_ok;
}

void MasterLoop::wait_and_dispatch() {
  enum class Source : std::uint8_t { signals, keeper, router, spare, sites };
  struct Entry {
    Source source;
    std::size_t router;
  };
  std::vector<::pollfd> polled;
  std::vector<Entry> entries;
  const auto add = [&](BorrowedFd fd, Entry entry) {
    polled.push_back({fd.get(), POLLIN, 0});
    entries.push_back(entry);
  };
  add(signals_.borrow(), {Source::signals, 0});
  if (keeper_.control) add(keeper_.control->fd(), {Source::keeper, 0});
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    if (routers_[i].control) add(routers_[i].control->fd(), {Source::router, i});
  }
  for (const auto& spare : spares_) {
    if (spare->control) add(spare->control->fd(), {Source::spare, 0});
  }
  add(site_channels_.fd(), {Source::sites, 0});
  const std::size_t first_control = polled.size();
  control_peers_.append_polled(polled, now_);
  ::timespec timeout{};
  const auto timer = next_timer();
  if (timer) {
    const auto left = std::max(Clock::duration::zero(), *timer - now_);
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
  }
  const int ready = ::ppoll(polled.data(), polled.size(), timer ? &timeout : nullptr, nullptr);
  now_ = Clock::now();
  if (ready <= 0) return;
  // Signals last: what a dead child still had to say comes before the news of its death.
  bool all_are_heard = true;
  for (std::size_t i = entries.size(); i-- > 0;) {
    if (polled[i].revents == 0) continue;
    switch (entries[i].source) {
      case Source::signals:
        if (all_are_heard) on_signals();
        break;
      case Source::keeper:
        on_keeper_readable();
        break;
      case Source::router:
        on_router_readable(entries[i].router);
        break;
      case Source::spare:
        on_spare_readable(polled[i].fd);
        break;
      case Source::sites:
        all_are_heard = on_sites_readable();
        break;
    }
  }
  on_control(std::span(polled).subspan(first_control));
}

// False if there are more than could be heard.
bool MasterLoop::on_sites_readable() {
  const auto readable = site_channels_.readable();
  for (const auto& [site, fd] : readable) {
    const auto group = groups_.find(site);
    if (group == groups_.end()) continue;
    const auto look = [fd = fd](auto*& found) {
      return [fd, &found](auto& child) {
        if (child.control && child.control->fd().get() == fd) found = &child;
      };
    };
    WorkerChild* worker = nullptr;
    CheckerChild* checker = nullptr;
    RunnerChild* runner = nullptr;
    group->second.for_each_running(look(worker));
    for_each_running(group->second.checkers, look(checker));
    for_each_running(group->second.runners, look(runner));
    if (worker != nullptr) on_worker_readable(*worker);
    if (checker != nullptr) on_checker_readable(*checker);
    if (runner != nullptr) on_runner_readable(*runner);
  }
  return readable.size() < SiteChannels::most_at_once;
}

void MasterLoop::on_signals() {
  ::signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      reap();
    } else if (!drain_until_) {
      stop();
    } else {
      log_.line(Priority::warning, "told to stop again: ending at once");
      drain_until_ = now_;
    }
  }
}

void MasterLoop::reap() {
  while (const auto ended = reap_child()) {
    const ::pid_t pid = ended->pid;
    const int status = ended->status;
    if (keeper_.child.pid == pid) on_keeper_death(status);
    for (std::size_t i = 0; i < routers_.size(); ++i) {
      if (routers_[i].child.pid == pid) on_router_death(i, status);
    }
    const auto spare = std::find_if(spares_.begin(), spares_.end(),
                                    [&](const auto& one) { return one->child.pid == pid; });
    if (spare != spares_.end()) on_spare_death(**spare, status);
    WorkerChild* dead = nullptr;
    CheckerChild* dead_checker = nullptr;
    RunnerChild* dead_runner = nullptr;
    for (const auto& [site, group] : groups_) {
      group.for_each_running([&](WorkerChild& worker) {
        if (worker.child.pid == pid) dead = &worker;
      });
      for_each_running(group.checkers, [&](CheckerChild& checker) {
        if (checker.child.pid == pid) dead_checker = &checker;
      });
      for_each_running(group.runners, [&](RunnerChild& runner) {
        if (runner.child.pid == pid) dead_runner = &runner;
      });
    }
    if (dead_checker != nullptr) on_checker_death(*dead_checker, status);
    if (dead_runner != nullptr) on_runner_death(*dead_runner, status);
    if (dead == nullptr) continue;
    dead->child.cpu = ended->cpu;
    on_worker_death(*dead, status);
  }
}

std::string MasterLoop::describe_death(const std::string& name, ::pid_t pid, int status) const {
  const std::string who = name + " (pid " + std::to_string(pid) + ") ";
  if (WIFSIGNALED(status)) {
    const char* signal = ::sigabbrev_np(WTERMSIG(status));
    return who + "was killed by SIG" + (signal != nullptr ? signal : "?");
  }
  return who + "exited with status " + std::to_string(WEXITSTATUS(status));
}

void MasterLoop::stop() {
  if (leaving_until_ || !listeners_are_kept_) return begin_drain();
  log_.line(Priority::info, "stopping: running requests may finish, and who comes may wait");
  tell_service_manager(BorrowedFd(MasterFds::notify), "STOPPING=1");
  leave_listeners();
}

void MasterLoop::begin_drain() {
  log_.line(Priority::info, "stopping: running requests may finish");
  tell_service_manager(BorrowedFd(MasterFds::notify), "STOPPING=1");
  drain_until_ = now_ + table_.drain;
  for (RouterChild& router : routers_) {
    if (router.child.state == ChildState::serving) {
      send(router, Drain{0}, UniqueFd());
    } else if (router.child.state == ChildState::locking_down) {
      end(router.child, "");
    }
  }
  for (const auto& [site, group] : groups_) {
    group.for_each_running([&](WorkerChild& worker) {
      // One that is still locking itself down is told when it has; it may have connections queued.
      if (worker.child.state == ChildState::serving) send(worker, Drain{0});
    });
  }
  // What is not started yet will not be: its visitors are told at once.
  for (WorkerChild* worker : std::exchange(starts_, {})) {
    worker->wanted = worker->queued = false;
    tell_if_down(worker->site);
  }
  listeners_.clear();
}

bool MasterLoop::every_child_gone() const {
  return keeper_.child.state == ChildState::absent && spares_.empty() && every_worker_gone();
}

// And every router.
bool MasterLoop::every_worker_gone() const {
  const auto runs = [](const RouterChild& router) {
    return router.child.state != ChildState::absent;
  };
  std::size_t running =
      static_cast<std::size_t>(std::count_if(routers_.begin(), routers_.end(), runs));
  for (const auto& [site, group] : groups_) {
    group.for_each_running([&](WorkerChild&) { ++running; });
    for_each_running(group.checkers, [&](CheckerChild&) { ++running; });
    for_each_running(group.runners, [&](RunnerChild&) { ++running; });
  }
  return running == 0;
}

void MasterLoop::kill_all() {
  end(keeper_.child, "");
  for (const auto& spare : spares_) end(spare->child, "");
  for (RouterChild& router : routers_) end(router.child, "");
  for (const auto& [site, group] : groups_) {
    group.for_each_running([&](WorkerChild& worker) { end(worker.child, ""); });
    for_each_running(group.checkers, [&](CheckerChild& checker) { end(checker.child, ""); });
    for_each_running(group.runners, [&](RunnerChild& runner) { end(runner.child, ""); });
  }
}

std::optional<Clock::time_point> MasterLoop::next_timer() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&](std::optional<Clock::time_point> at) {
    if (at && (!first || *at < *first)) first = at;
  };
  for (const RouterChild& router : routers_) {
    consider(deadline_of(router.child));
    if (router.child.state == ChildState::absent && !is_ending()) {
      consider(router.back_off.next_start());
    }
    // Not POLLOUT: with too many descriptors in flight the socket is writable and takes none.
    if (!router.outbox.empty()) consider(now_ + blocked_outbox_retry);
  }
  for (const auto& [site, group] : groups_) {
    group.for_each_running([&](WorkerChild& worker) { consider(deadline_of(worker.child)); });
    for (const auto& checker : group.checkers) consider(next_timer_of(*checker));
    for (const auto& runner : group.runners) consider(next_timer_of(*runner));
  }
  if (!drain_until_) consider(next_group_timer());
  consider(drain_until_ ? drain_until_ : leaving_until_);
  consider(control_peers_.next_deadline(now_));
  if (reopen_next_) consider(now_);
  if (!reports_due_.empty()) consider(reports_due_.front().at);
  consider(next_keeper_timer());
  consider(next_spare_timer());
  return first;
}

void MasterLoop::on_timers() {
  if (leaving_until_ && !drain_until_) finish_leaving();
  if (drain_until_ && *drain_until_ <= now_ && !every_child_gone()) {
    log_.line(Priority::warning, "what still runs is ended");
    kill_all();
    // Only the reaping is left, for which SIGCHLD wakes us.
    drain_until_ = Clock::time_point::max();
  }
  control_peers_.forget_closed(now_);
  permit_reports();
  reopen_more_logs();
  on_keeper_timers();
  keep_spares();
  const auto overdue = [&](const Child& child) {
    const auto deadline = deadline_of(child);
    return deadline && *deadline <= now_;
  };
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    RouterChild& router = routers_[i];
    flush(router);
    if (!router.outbox.empty() && now_ - router.read_at >= reading_deadline) {
      end(router.child, name_of_router(i) + " does not read its messages");
    }
    if (overdue(router.child)) end(router.child, name_of_router(i) + complaint_about(router.child));
    if (!is_ending() && router.child.state == ChildState::absent &&
        router.back_off.next_start() <= now_) {
      start_router(i);
    }
  }
  for (auto& [site, group] : groups_) {
    group.for_each_running([&](WorkerChild& worker) {
      if (overdue(worker.child)) {
        end(worker.child, name_of(worker) + complaint_about(worker.child));
      }
    });
    for_each_running(group.checkers, [&](CheckerChild& checker) {
      if (overdue(checker.child)) end(checker.child, checker.name + complaint_about(checker.child));
    });
    for_each_running(group.runners, [&](RunnerChild& runner) {
      if (overdue(runner.child)) end(runner.child, runner.name + complaint_about(runner.child));
    });
    keep_companions(group);
  }
  if (!drain_until_) on_group_timers();
}

void MasterLoop::announce_ready() {
  if (announced_ready_ || is_ending()) return;
  const bool routers_serve = std::all_of(routers_.begin(), routers_.end(), [](const auto& router) {
    return router.child.state == ChildState::serving;
  });
  // A site that cannot start must not keep the others from being announced.
  bool groups_serve = true;
  bool site_in_trouble = false;
  for (const auto& [site, group] : groups_) {
    for (const auto& worker : group.workers) {
      groups_serve &= worker->child.state == ChildState::serving || !worker->wanted;
      site_in_trouble |= worker->back_off.failures() > 1;
    }
  }
  const bool keeper_serves = !keeper_.needed || keeper_.child.state == ChildState::serving;
  if (!keeper_serves || !routers_serve || !(groups_serve || site_in_trouble)) return;
  announced_ready_ = true;
  log_.line(Priority::info, "ready");
  store_listeners();
  tell_service_manager(BorrowedFd(MasterFds::notify), "READY=1");
}

void MasterLoop::end(Child& child, std::string_view why) {
  if (child.state == ChildState::absent || child.state == ChildState::ending) return;
  if (!why.empty()) log_.line(Priority::error, std::string(why) + ": ended");
  kill_child(child.pidfd.borrow());
  child.state = ChildState::ending;
  child.ended_because = why;
}

bool MasterLoop::verify(const Child& child, Role role, const Identity& identity,
                        const std::string& name) {
  const auto status = read_process_status(child.pid);
  if (!status) {
    log_.line(Priority::error, name + " cannot be verified: " + status.error().text());
    return false;
  }
  const auto difference = difference_from_policy(*status, role, identity, own_filters_ + 1);
  if (difference) log_.line(Priority::error, name + " is not locked down: " + *difference);
  return !difference;
}

}  // namespace perchild
