// The master's side towards the sites' workers.
//
// Runs in: master.
// Does not trust: workers. The only thing that one may ever say is that its lock-down is complete.
#include <unistd.h>

#include "daemon/master/log_files.h"
#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "privsep/process_status.h"
#include "privsep/sealed_memory.h"
#include "privsep/spawn.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds longest_retry_after{30};

}  // namespace

std::string MasterLoop::name_of_worker(SiteId site, std::size_t slot) const {
  const SiteRecord& record = table_.sites[site.value];
  std::string name = "worker of " + record.name;
  if (record.workers > 1) name.append(" ").append(std::to_string(slot));
  return name;
}

// A router, or the site's own configuration, wants the site to run.
void MasterLoop::wake(SiteId site) {
  if (drain_until_) return;
  const auto found = groups_.find(site);
  if (found != groups_.end()) {
    // It runs, or is about to: the routers have its channels. Unless it may not be started yet.
    tell_if_down(site);
    return;
  }
  SiteGroup& group = groups_[site];
  group.workers.resize(table_.sites[site.value].workers);
  for (std::size_t slot = 0; slot < group.workers.size(); ++slot) {
    group.workers[slot].router_ends.resize(routers_.size());
    start_worker(site, slot);
    for (std::size_t router = 0; router < routers_.size(); ++router) connect(site, slot, router);
  }
}

void MasterLoop::start_worker(SiteId site, std::size_t slot) {
  const SiteRecord& record = table_.sites[site.value];
  WorkerChild& worker = groups_.at(site).workers[slot];
  const auto give_up = [&](const SysError& error) {
    const std::string text = name_of_worker(site, slot) + " cannot be started: " + error.text();
    log_.line(Priority::error, text);
    histories_[site].last_error = text;
    on_worker_failure(site, slot, Clock::duration::zero());
  };
  const auto error_log =
      open_log_file(BorrowedFd(MasterFds::log_directory), record.name, LogKind::error);
  if (!error_log) return give_up(error_log.error());
  const auto settings = make_sealed_memory("settings", record.settings);
  if (!settings) return give_up(settings.error());
  auto pair = make_channel_pair();
  if (!pair) return give_up(pair.error());
  auto process = spawn({.role = Role::worker,
                        .identity = {record.uid.uid(), record.gid, record.groups},
                        .executable = BorrowedFd(MasterFds::worker_executable),
                        .title = "perchild-worker " + record.name,
                        .fds = {{BorrowedFd(STDIN_FILENO), STDIN_FILENO},
                                {BorrowedFd(STDIN_FILENO), STDOUT_FILENO},
                                {error_log->borrow(), ChildFds::log},
                                {pair->second.borrow(), ChildFds::control},
                                {BorrowedFd(MasterFds::worker_filter), ChildFds::filter},
                                {settings->borrow(), ChildFds::settings}},
                        .environment = {}});
  if (!process) return give_up(process.error());
  worker.child = {ChildState::locking_down, process->pid, std::move(process->pidfd), now_};
  worker.control.emplace(std::move(pair->first));
}

// Makes sure that this worker and this router have a channel. The router's end is sent at once; the
// worker's when it serves.
void MasterLoop::connect(SiteId site, std::size_t slot, std::size_t index) {
  RouterChild& router = routers_[index];
  WorkerChild& worker = groups_.at(site).workers[slot];
  if (router.child.state != ChildState::serving || worker.router_ends[index].has_value()) return;
  auto pair = make_channel_pair();
  if (!pair) {
    log_.line(Priority::error, name_of_worker(site, slot) + ": " + pair.error().text());
    return;
  }
  worker.router_ends[index] = std::move(pair->second);
  send(router, AttachSite{site, static_cast<std::uint32_t>(slot)}, std::move(pair->first));
  if (worker.child.state == ChildState::serving) {
    send(site, slot, AttachRouter{static_cast<std::uint32_t>(index)},
         worker.router_ends[index].borrow());
  }
}

void MasterLoop::on_worker_readable(SiteId site, std::size_t slot) {
  WorkerChild& worker = groups_.at(site).workers[slot];
  if (!worker.control) return;
  const auto received = worker.control->receive();
  switch (received.status) {
    case Channel<Master, Worker>::Status::would_block:
      return;
    case Channel<Master, Worker>::Status::peer_gone:
      worker.child.hung_up_at = now_;  // its death follows by SIGCHLD, or else
      worker.control.reset();
      return;
    case Channel<Master, Worker>::Status::violation:
    case Channel<Master, Worker>::Status::out_of_fds:  // nothing that a child sends has one
      break;
    case Channel<Master, Worker>::Status::message: {
      const auto& message = std::get<LockDownComplete>(*received.message);
      const SiteRecord& record = table_.sites[site.value];
      const Identity identity{record.uid.uid(), record.gid, record.groups};
      if (worker.child.state == ChildState::locking_down &&
          message.pid == static_cast<std::uint32_t>(worker.child.pid) &&
          verify(worker.child, Role::worker, identity, name_of_worker(site, slot))) {
        worker.child.state = ChildState::serving;
        on_worker_serving(site, slot);
        return;
      }
      break;
    }
  }
  end(worker.child, name_of_worker(site, slot) + " sent what it may not send");
  worker.control.reset();
}

void MasterLoop::on_worker_serving(SiteId site, std::size_t slot) {
  const std::string& name = table_.sites[site.value].name;
  WorkerChild& worker = groups_.at(site).workers[slot];
  const auto access_log =
      open_log_file(BorrowedFd(MasterFds::log_directory), name, LogKind::access);
  if (!access_log) {
    end(worker.child, name_of_worker(site, slot) + ": " + access_log.error().text());
    return;
  }
  send(site, slot, TakeAccessLog{0}, access_log->borrow());
  for (std::size_t router = 0; router < worker.router_ends.size(); ++router) {
    if (!worker.router_ends[router].has_value()) {
      connect(site, slot, router);  // sends the worker's end too
    } else {
      send(site, slot, AttachRouter{static_cast<std::uint32_t>(router)},
           worker.router_ends[router].borrow());
    }
  }
  if (drain_until_) send(site, slot, Drain{0});
}

// A worker whose channel has no room for the few messages that it is ever sent does not read.
template <typename M, typename... Fd>
void MasterLoop::send(SiteId site, std::size_t slot, const M& message, Fd... fd) {
  WorkerChild& worker = groups_.at(site).workers[slot];
  if (worker.control && worker.control->send(message, fd...) != SendStatus::sent) {
    end(worker.child, name_of_worker(site, slot) + " does not read its messages");
  }
}
template void MasterLoop::send(SiteId, std::size_t, const Drain&);

void MasterLoop::on_worker_death(SiteId site, std::size_t slot, int status) {
  WorkerChild& worker = groups_.at(site).workers[slot];
  const bool expected = drain_until_.has_value() && status == 0;
  if (!expected) {
    const std::string death = describe_death(name_of_worker(site, slot), worker.child.pid, status);
    log_.line(Priority::error, death);
    SiteHistory& history = histories_[site];
    ++history.restarts;
    history.last_error = worker.child.ended_because.empty() ? death : worker.child.ended_because;
  }
  worker.control.reset();
  const Clock::duration lived = now_ - worker.child.started_at;
  worker.child = {};
  on_worker_failure(site, slot, lived);
}

// What waits in the channels of a worker that cannot be started again at once is let go: its
// clients see the connection close, instead of nothing for as long as the trouble lasts.
void MasterLoop::on_worker_failure(SiteId site, std::size_t slot, Clock::duration lived) {
  WorkerChild& worker = groups_.at(site).workers[slot];
  worker.back_off.on_death(now_, lived);
  if (!drain_until_ && worker.back_off.delay().count() == 0) return;
  for (UniqueFd& end : worker.router_ends) end.reset();
  if (!drain_until_) tell_if_down(site);
}

// If no worker of the site runs or may be started now, the routers answer for it until one may.
void MasterLoop::tell_if_down(SiteId site) {
  auto next_start = Clock::time_point::max();
  for (const WorkerChild& worker : groups_.at(site).workers) {
    if (worker.child.state != ChildState::absent) return;
    next_start = std::min(next_start, worker.back_off.next_start());
  }
  if (next_start <= now_) return;
  const auto left = std::chrono::ceil<std::chrono::seconds>(next_start - now_).count();
  const auto seconds = static_cast<std::uint32_t>(std::min(left, longest_retry_after.count()));
  for (RouterChild& router : routers_) {
    if (router.child.state != ChildState::serving) continue;
    router.woke[site.value] = false;
    send(router, SiteDown{site, seconds}, UniqueFd());
  }
}

}  // namespace perchild
