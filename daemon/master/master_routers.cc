// The master's side towards routers.
//
// Runs in: master.
// Does not trust: routers. What one says is either permitted now, or the end of it.
#include <fcntl.h>
#include <unistd.h>

#include "daemon/master/hear.h"
#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "privsep/process_status.h"
#include "privsep/spawn.h"

namespace perchild {
namespace {

// Of a site that sleeps from here on, for all that the router knows.
std::optional<SiteId> put_to_sleep_by(const RouterChild::Message& message) {
  if (const auto* down = std::get_if<SiteDown>(&message)) return down->site;
  if (const auto* detached = std::get_if<DetachSite>(&message)) return detached->site;
  return std::nullopt;
}

}  // namespace

std::string MasterLoop::name_of_router(std::size_t index) const {
  return "router " + std::to_string(index);
}

void MasterLoop::start_router(std::size_t index) {
  RouterChild& router = routers_[index];
  const auto give_up = [&](const SysError& error) {
    log_.line(Priority::error, name_of_router(index) + ": " + error.text());
    router.back_off.on_death(now_, Clock::duration::zero());
  };
  auto pair = make_channel_pair();
  if (!pair) return give_up(pair.error());
  SpawnPlan plan{.role = Role::router,
                 .identity = {table_.router.uid, table_.router.gid, {}},
                 .executable = BorrowedFd(MasterFds::router_executable),
                 .title = "perchild-router",
                 .fds = {{BorrowedFd(STDIN_FILENO), STDIN_FILENO},
                         {BorrowedFd(STDIN_FILENO), STDOUT_FILENO},
                         {BorrowedFd(STDERR_FILENO), ChildFds::log},
                         {pair->second.borrow(), ChildFds::control},
                         {BorrowedFd(MasterFds::router_filter), ChildFds::filter},
                         {BorrowedFd(MasterFds::router_settings), ChildFds::settings},
                         {BorrowedFd(MasterFds::route_table), ChildFds::routes},
                         {BorrowedFd(MasterFds::empty_root), ChildFds::root}},
                 .environment = {}};
  if (!log_.environment().empty()) plan.environment.push_back(log_.environment());
  auto process = spawn(plan);
  if (!process) return give_up(process.error());
  router.child = {ChildState::locking_down, process->pid, std::move(process->pidfd), now_};
  router.control.emplace(std::move(pair->first));
  router.outbox.clear();
  router.wakes.assign(table_.sites.size(), 1);
  router.queue_notices = {};
  router.generation = table_.generation;
}

void MasterLoop::on_router_readable(std::size_t index) {
  RouterChild& router = routers_[index];
  constexpr int messages_at_once = 64;
  hear(
      router.control, router.child, now_, messages_at_once,
      [&](const auto& message) { return on_message(index, message); },
      [&](Offence offence) { end(router.child, name_of_router(index) + " " + text_of(offence)); });
}

bool MasterLoop::on_message(std::size_t index, const LockDownComplete& message) {
  RouterChild& router = routers_[index];
  if (router.child.state != ChildState::locking_down) return false;
  if (message.pid != static_cast<std::uint32_t>(router.child.pid)) return false;
  const Identity identity{table_.router.uid, table_.router.gid, {}};
  if (!verify(router.child, Role::router, identity, name_of_router(index))) return false;
  router.child.state = ChildState::serving;
  on_router_serving(index);
  return true;
}

void MasterLoop::on_router_serving(std::size_t index) {
  RouterChild& router = routers_[index];
  if (is_ending()) {
    end(router.child, "");
    return;
  }
  // Sites first: a connection that comes with the first listener must not wake a site that runs.
  for (const auto& [site, group] : groups_) {
    for (const auto& worker : group.workers) {
      if (worker->child.state != ChildState::absent) connect(*worker, index);
    }
  }
  // A reload may have come between its start and this moment.
  if (router.generation != table_.generation) tell_tables(router);
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) send_listener(router, i);
  send(router, ListenersComplete{static_cast<std::uint32_t>(listeners_.size())}, UniqueFd());
}

void MasterLoop::send_listener(RouterChild& router, std::uint32_t index) {
  if (!listeners_[index].has_value()) return;
  // A copy: the outbox may have to keep it.
  send(router, AddListener{index}, copy_of(listeners_[index].borrow()));
}

UniqueFd MasterLoop::copy_of(BorrowedFd fd) const {
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
}

bool MasterLoop::on_message(std::size_t index, const RoutesTaken& message) {
  RouterChild& router = routers_[index];
  if (router.child.state != ChildState::serving) return false;
  if (message.generation <= router.generation.value ||
      message.generation > table_.generation.value) {
    return false;
  }
  router.generation = Generation{message.generation};
  tell_who_reloads();
  return true;
}

bool MasterLoop::on_message(std::size_t index, const Wake& message) {
  RouterChild& router = routers_[index];
  if (router.child.state != ChildState::serving) return false;
  if (message.site.value >= table_.sites.size()) return false;
  std::uint8_t& left = router.wakes[message.site.value];
  if (left == 0) return false;
  --left;
  wake(message.site);
  return true;
}

// Permitted for any site, since it may have gone to sleep meanwhile, but not at any rate. It starts
// no more than the site's own configuration allows.
bool MasterLoop::on_message(std::size_t index, const QueueStands& message) {
  RouterChild& router = routers_[index];
  if (router.child.state != ChildState::serving) return false;
  if (message.site.value >= table_.sites.size()) return false;
  if (!router.queue_notices.take(now_, groups_.size())) return false;
  const auto found = groups_.find(message.site);
  if (found == groups_.end() || drain_until_) return true;
  // A worker that grants nothing may be full, or stuck.
  for (const auto& worker : found->second.workers) ping(*worker);
  WorkerChild* vacant = nullptr;
  for (const auto& worker : found->second.workers) {
    if (worker->wanted && worker->child.state != ChildState::serving) return true;  // on its way
    const bool is_place = worker->slot < table_.sites[message.site.value].life.most_workers;
    if (vacant == nullptr && !worker->wanted && is_place) vacant = worker.get();
  }
  if (vacant != nullptr && vacant->back_off.next_start() <= now_) want(*vacant);
  return true;
}

bool MasterLoop::on_message(std::size_t index, const WorkerViolation& message) {
  if (routers_[index].child.state != ChildState::serving) return false;
  if (message.channel > last_channel_) return false;
  if (WorkerChild* worker = worker_at(message.site, index, message.channel); worker != nullptr) {
    end(worker->child, name_of(*worker) + (message.hung_up != 0 ? " has hung up on a router"
                                                                : " sent what is no message"));
    worker->router_ends[index].end.reset();
  }
  return true;
}

bool MasterLoop::on_message(std::size_t index, const WorkerSilent& message) {
  if (routers_[index].child.state != ChildState::serving) return false;
  if (message.channel > last_channel_) return false;
  if (WorkerChild* worker = worker_at(message.site, index, message.channel); worker != nullptr) {
    ping(*worker);
  }
  return true;
}

void MasterLoop::on_router_death(std::size_t index, int status) {
  RouterChild& router = routers_[index];
  const std::string name = name_of_router(index);
  const bool expected = is_ending() && status == 0;
  if (!expected) log_.line(Priority::error, describe_death(name, router.child.pid, status));
  router.control.reset();
  router.outbox.clear();
  add_up_dead(router);
  router.back_off.on_death(now_, now_ - router.child.started_at);
  router.child = {};
  for (const auto& [site, group] : groups_) {
    for (const auto& worker : group.workers) {
      // While the service drains, a worker that is still starting is owed what the router had
      // queued.
      const bool owed = is_ending() && worker->child.state == ChildState::locking_down;
      if (!owed) worker->router_ends[index].end.reset();
    }
  }
  tell_who_reloads();
  // Without ever having served, the fault is in the machine or in us: say so instead of trying on.
  if (!announced_ready_ && !is_ending()) {
    log_.line(Priority::critical, "a router cannot be started: giving up");
    failed_ = true;
  }
}

void MasterLoop::send(RouterChild& router, RouterChild::Message message, UniqueFd fd) {
  if (router.outbox.empty()) router.read_at = now_;
  router.outbox.emplace_back(std::move(message), std::move(fd));
  flush(router);
}

void MasterLoop::flush(RouterChild& router) {
  while (router.control && !router.outbox.empty()) {
    const auto& message = router.outbox.front().first;
    const UniqueFd& fd = router.outbox.front().second;
    const SendStatus status = std::visit(
        [&]<typename M>(const M& m) {
          if constexpr (M::fd_count == 1) {
            return router.control->send(m, fd.borrow());
          } else {
            return router.control->send(m);
          }
        },
        message);
    if (status == SendStatus::would_block) return;
    if (status != SendStatus::sent) {
      // Its successor is told everything anew. One that has died says itself how.
      router.outbox.clear();
      if (status == SendStatus::failed) end(router.child, "a router cannot be sent its messages");
      return;
    }
    // Not before: one that does not read would be told for ever, and wake for ever.
    if (const auto site = put_to_sleep_by(message)) router.allow_wake(*site);
    router.read_at = now_;
    router.outbox.pop_front();
  }
}

}  // namespace perchild
