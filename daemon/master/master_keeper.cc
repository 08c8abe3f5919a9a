// The master's side towards the keeper. It runs from when a site has keys to the end of the
// service, and is started again at once if it dies: handshakes wait for it.
//
// Runs in: master.
// Does not trust: the keeper. What it says is either permitted now, or the end of it.
#include <unistd.h>

#include <algorithm>

#include "daemon/master/hear.h"
#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "privsep/spawn.h"

namespace perchild {
namespace {

constexpr std::chrono::milliseconds blocked_channel_retry{10};

}  // namespace

// Those on their way out too: they may still have to shake hands.
template <typename Act>
void MasterLoop::for_each_worker(Act act) {
  for (const auto& [site, group] : groups_) group.for_each_running(act);
}

void MasterLoop::start_keeper() {
  if (!keeper_.needed) return;
  KeeperChild& keeper = keeper_;
  const auto give_up = [&](const SysError& error) {
    log_.line(Priority::error, "the keeper cannot be started: " + error.text());
    keeper.back_off.on_death(now_, Clock::duration::zero());
  };
  auto pair = make_channel_pair();
  if (!pair) return give_up(pair.error());
  SpawnPlan plan{.role = Role::keeper,
                 .identity = {table_.keeper->uid, table_.keeper->gid, {}},
                 .executable = BorrowedFd(MasterFds::keeper_executable),
                 .title = std::string(executable_of(Role::keeper)),
                 .fds = {{BorrowedFd(STDIN_FILENO), STDIN_FILENO},
                         {BorrowedFd(STDIN_FILENO), STDOUT_FILENO},
                         {BorrowedFd(STDERR_FILENO), ChildFds::log},
                         {pair->second.borrow(), ChildFds::control},
                         {BorrowedFd(MasterFds::keeper_filter), ChildFds::filter},
                         {BorrowedFd(MasterFds::router_settings), ChildFds::settings},
                         {BorrowedFd(MasterFds::empty_root), ChildFds::keeper_root}},
                 .environment = {}};
  if (!log_.environment().empty()) plan.environment.push_back(log_.environment());
  auto process = spawn(plan);
  if (!process) return give_up(process.error());
  keeper.child = {ChildState::locking_down, process->pid, std::move(process->pidfd), now_};
  keeper.control.emplace(std::move(pair->first));
}

void MasterLoop::on_keeper_readable() {
  constexpr int messages_at_once = 64;
  hear(
      keeper_.control, keeper_.child, now_, messages_at_once,
      [this](const auto& message) { return on_keeper_message(message); },
      [this](Offence offence) { end_keeper(text_of(offence)); });
}

void MasterLoop::end_keeper(std::string_view why) {
  end(keeper_.child, "the keeper " + std::string(why));
  keeper_.control.reset();
}

bool MasterLoop::on_keeper_message(const LockDownComplete& message) {
  Child& child = keeper_.child;
  const Identity identity{table_.keeper->uid, table_.keeper->gid, {}};
  if (child.state != ChildState::locking_down ||
      message.pid != static_cast<std::uint32_t>(child.pid) ||
      !verify(child, Role::keeper, identity, "the keeper")) {
    return false;
  }
  child.state = ChildState::serving;
  keeper_.keys_due = true;
  introduce_all_to_keeper();
  return true;
}

// Those of a reload are sent before any worker of a site that it has changed is introduced.
void MasterLoop::take_keys() {
  keeper_.needed = std::any_of(table_.sites.begin(), table_.sites.end(),
                               [](const SiteRecord& site) { return site.has_keys; });
  keeper_.keys_due = true;
  introduce_all_to_keeper();
}

// Whether the keeper has the keys that the service goes by.
bool MasterLoop::keeper_has_keys() {
  if (keeper_.child.state != ChildState::serving || !keeper_.control) return false;
  if (!keeper_.keys_due) return true;
  const SendStatus sent = keeper_.control->send(TakeKeys{0}, BorrowedFd(MasterFds::keys));
  keeper_.keys_due = sent != SendStatus::sent;
  if (sent == SendStatus::would_block) {
    keeper_.introduce_at = now_ + blocked_channel_retry;
  } else if (sent == SendStatus::failed) {
    end_keeper("cannot be sent its messages");
  }
  return !keeper_.keys_due;
}

// The worker may have gone meanwhile, and then there is nothing left to do.
bool MasterLoop::on_keeper_message(const PeerViolation& message) {
  if (keeper_.child.state != ChildState::serving || message.channel > keeper_.last_channel) {
    return false;
  }
  for_each_worker([&](WorkerChild& worker) {
    if (worker.signer_channel != message.channel) return;
    end(worker.child, name_of(worker) + " asked the keeper for what it may not have");
  });
  return true;
}

// Gives the keeper and this worker a channel, if both serve and have none. Not to one that is on
// its way out because its site has changed: the keys under its number are for others.
void MasterLoop::introduce_to_keeper(WorkerChild& worker) {
  const SiteRecord& record = record_of(worker);
  if (!record.has_keys || worker.generation != Generation{record.generation}) return;
  if (worker.signer_channel != 0 || worker.child.state != ChildState::serving) return;
  if (!keeper_has_keys()) return;
  auto pair = make_channel_pair();
  const std::uint32_t channel = keeper_.last_channel + 1;
  const SendStatus sent =
      pair ? keeper_.control->send(AttachSigner{worker.site, record.generation, channel},
                                   pair->first.borrow())
           : SendStatus::would_block;
  if (sent == SendStatus::would_block) {
    keeper_.introduce_at = now_ + blocked_channel_retry;
  } else if (sent == SendStatus::failed) {
    end_keeper("cannot be sent its messages");
  } else if (sent == SendStatus::sent) {
    keeper_.last_channel = worker.signer_channel = channel;
    send(worker, AttachKeeper{0}, pair->second.borrow());
  }
}

void MasterLoop::introduce_all_to_keeper() {
  keeper_.introduce_at.reset();
  if (!keeper_has_keys()) return;
  for_each_worker([this](WorkerChild& worker) { introduce_to_keeper(worker); });
}

void MasterLoop::on_keeper_death(int status) {
  const bool expected = drain_until_.has_value() && keeper_.child.state == ChildState::ending;
  if (!expected)
    log_.line(Priority::error, describe_death("the keeper", keeper_.child.pid, status));
  keeper_.back_off.on_death(now_, now_ - keeper_.child.started_at);
  keeper_.control.reset();
  keeper_.introduce_at.reset();
  keeper_.child = {};
  for_each_worker([](WorkerChild& worker) { worker.signer_channel = 0; });
  // As for a router: the fault is in the machine or in us.
  if (!announced_ready_ && !drain_until_) {
    log_.line(Priority::critical, "the keeper cannot be started: giving up");
    failed_ = true;
  }
}

void MasterLoop::on_keeper_timers() {
  Child& child = keeper_.child;
  const auto deadline = deadline_of(child);
  if (deadline && *deadline <= now_) end(child, "the keeper" + complaint_about(child));
  if (keeper_.introduce_at && *keeper_.introduce_at <= now_) introduce_all_to_keeper();
  if (!drain_until_) {
    const bool may_start = child.state == ChildState::absent;
    if (may_start && keeper_.back_off.next_start() <= now_) start_keeper();
  } else if (every_worker_gone()) {
    // Whoever drains may still have to shake hands; now nobody does.
    end(child, "");
  }
}

std::optional<Clock::time_point> MasterLoop::next_keeper_timer() const {
  if (keeper_.child.state == ChildState::absent) {
    const bool is_to_start = keeper_.needed && !drain_until_;
    return is_to_start ? std::optional(keeper_.back_off.next_start()) : std::nullopt;
  }
  const auto deadline = deadline_of(keeper_.child);
  const auto& again = keeper_.introduce_at;
  return !deadline || (again && *again < *deadline) ? again : deadline;
}

}  // namespace perchild
