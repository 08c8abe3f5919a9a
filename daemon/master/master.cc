#include "daemon/master/master.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

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

constexpr int exit_ok = 0;
constexpr int exit_start_failed = 1;

// By when a child must have done what is expected of it next, if anything is.
std::optional<Clock::time_point> deadline_of(const Child& child) {
  if (child.state == ChildState::absent || child.state == ChildState::ending) return std::nullopt;
  if (child.hung_up_at) return *child.hung_up_at + hang_up_deadline;
  if (child.state == ChildState::locking_down) return child.started_at + lock_down_deadline;
  return std::nullopt;
}

std::string complaint_about(const Child& child) {
  return child.hung_up_at ? " has hung up but not ended" : " does not lock itself down";
}

}  // namespace

MasterLoop::MasterLoop(LockedDown<Role::master>, const SiteTable& table, UniqueFd signals,
                       const ServerLog& log)
    : table_(table),
      signals_(std::move(signals)),
      log_(log),
      control_peers_(UniqueFd(MasterFds::control_socket), UniqueFd(MasterFds::status_socket)),
      routers_(table.routers) {
  for (std::uint32_t i = 0; i < table.listeners; ++i) {
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
  now_ = Clock::now();
  if (!prove_own_state()) return exit_start_failed;
  for (std::size_t i = 0; i < routers_.size(); ++i) start_router(i);
  for (std::uint32_t i = 0; i < table_.sites.size(); ++i) {
    if (table_.sites[i].start == StartPolicy::always) wake(SiteId{i});
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
  enum class Source : std::uint8_t { signals, router, worker };
  struct Entry {
    Source source;
    SiteId site;
    std::size_t index;  // router, or slot of the site's worker
  };
  std::vector<::pollfd> polled{{signals_.get(), POLLIN, 0}};
  std::vector<Entry> entries{{Source::signals, {}, 0}};
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    if (!routers_[i].control) continue;
    polled.push_back({routers_[i].control->fd().get(), POLLIN, 0});
    entries.push_back({Source::router, {}, i});
  }
  for (const auto& [site, group] : groups_) {
    for (std::size_t slot = 0; slot < group.workers.size(); ++slot) {
      if (!group.workers[slot].control) continue;
      polled.push_back({group.workers[slot].control->fd().get(), POLLIN, 0});
      entries.push_back({Source::worker, site, slot});
    }
  }
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
  for (std::size_t i = entries.size(); i-- > 0;) {
    if (polled[i].revents == 0) continue;
    switch (entries[i].source) {
      case Source::signals:
        on_signals();
        break;
      case Source::router:
        on_router_readable(entries[i].index);
        break;
      case Source::worker:
        on_worker_readable(entries[i].site, entries[i].index);
        break;
    }
  }
  on_control(std::span(polled).subspan(first_control));
}

void MasterLoop::on_signals() {
  ::signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      reap();
    } else if (!drain_until_) {
      begin_drain();
    } else {
      log_.line(Priority::warning, "told to stop again: ending at once");
      drain_until_ = now_;
    }
  }
}

void MasterLoop::reap() {
  for (;;) {
    ::siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    const int status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
    for (std::size_t i = 0; i < routers_.size(); ++i) {
      if (routers_[i].child.pid == info.si_pid) on_router_death(i, status);
    }
    for (auto& [site, group] : groups_) {
      for (std::size_t slot = 0; slot < group.workers.size(); ++slot) {
        if (group.workers[slot].child.pid == info.si_pid) on_worker_death(site, slot, status);
      }
    }
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
  for (auto& [site, group] : groups_) {
    for (std::size_t slot = 0; slot < group.workers.size(); ++slot) {
      // One that is still locking itself down is told when it has; it may have connections queued.
      if (group.workers[slot].child.state == ChildState::serving) send(site, slot, Drain{0});
    }
  }
  listeners_.clear();
}

bool MasterLoop::every_child_gone() const {
  const auto gone = [](const auto& kept) { return kept.child.state == ChildState::absent; };
  return std::all_of(routers_.begin(), routers_.end(), gone) &&
         std::all_of(groups_.begin(), groups_.end(), [&](const auto& entry) {
           return std::all_of(entry.second.workers.begin(), entry.second.workers.end(), gone);
         });
}

void MasterLoop::kill_all() {
  for (RouterChild& router : routers_) end(router.child, "");
  for (auto& [site, group] : groups_) {
    for (WorkerChild& worker : group.workers) end(worker.child, "");
  }
}

std::optional<Clock::time_point> MasterLoop::next_timer() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&](const Child& child, Clock::time_point restart) {
    std::optional<Clock::time_point> at = deadline_of(child);
    if (child.state == ChildState::absent && !drain_until_) at = restart;
    if (at && (!first || *at < *first)) first = at;
  };
  for (const RouterChild& router : routers_) {
    consider(router.child, router.back_off.next_start());
    // Not POLLOUT: with too many descriptors in flight the socket is writable and takes none.
    const auto again = now_ + blocked_outbox_retry;
    if (!router.outbox.empty() && (!first || again < *first)) first = again;
  }
  for (const auto& [site, group] : groups_) {
    for (const WorkerChild& worker : group.workers) {
      consider(worker.child, worker.back_off.next_start());
    }
  }
  if (drain_until_ && (!first || *drain_until_ < *first)) first = drain_until_;
  const auto control = control_peers_.next_deadline(now_);
  if (control && (!first || *control < *first)) first = control;
  return first;
}

void MasterLoop::on_timers() {
  if (drain_until_ && *drain_until_ <= now_ && !every_child_gone()) {
    log_.line(Priority::warning, "what still runs is ended");
    kill_all();
    // Only the reaping is left, for which SIGCHLD wakes us.
    drain_until_ = Clock::time_point::max();
  }
  control_peers_.forget_closed(now_);
  const auto overdue = [&](const Child& child) {
    const auto deadline = deadline_of(child);
    return deadline && *deadline <= now_;
  };
  const auto due = [&](const Child& child, const BackOff& back_off) {
    return !drain_until_ && child.state == ChildState::absent && back_off.next_start() <= now_;
  };
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    RouterChild& router = routers_[i];
    flush(router);
    if (overdue(router.child)) end(router.child, name_of_router(i) + complaint_about(router.child));
    if (due(router.child, router.back_off)) start_router(i);
  }
  for (auto& [site, group] : groups_) {
    for (std::size_t slot = 0; slot < group.workers.size(); ++slot) {
      WorkerChild& worker = group.workers[slot];
      if (overdue(worker.child)) {
        end(worker.child, name_of_worker(site, slot) + complaint_about(worker.child));
      }
      if (due(worker.child, worker.back_off)) start_worker(site, slot);
    }
  }
}

void MasterLoop::announce_ready() {
  if (announced_ready_ || drain_until_) return;
  const bool routers_serve = std::all_of(routers_.begin(), routers_.end(), [](const auto& router) {
    return router.child.state == ChildState::serving;
  });
  const bool groups_serve = std::all_of(groups_.begin(), groups_.end(), [](const auto& entry) {
    const auto& workers = entry.second.workers;
    return std::all_of(workers.begin(), workers.end(), [](const auto& worker) {
      return worker.child.state == ChildState::serving;
    });
  });
  // A site that cannot start must not keep the others from being announced.
  const bool site_in_trouble = std::any_of(groups_.begin(), groups_.end(), [](const auto& entry) {
    const auto& workers = entry.second.workers;
    return std::any_of(workers.begin(), workers.end(),
                       [](const auto& worker) { return worker.back_off.failures() > 1; });
  });
  if (!routers_serve || !(groups_serve || site_in_trouble)) return;
  announced_ready_ = true;
  log_.line(Priority::info, "ready");
  tell_service_manager(BorrowedFd(MasterFds::notify), "READY=1");
}

void MasterLoop::end(Child& child, std::string_view why) {
  if (child.state == ChildState::absent || child.state == ChildState::ending) return;
  if (!why.empty()) log_.line(Priority::error, std::string(why) + ": ended");
  // By its pidfd: the number may never mean another process.
  ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
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
