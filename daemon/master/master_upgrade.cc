// How the service leaves its listeners to a successor: one that runs beside it already
// (`perchild upgrade`), or one that the service manager starts when this one has ended, and for
// which it keeps them meanwhile. What has been accepted is served here, by sites that sleep too.
//
// Runs in: master.
// Trusts: root, who alone can connect to the control socket; the service manager.
#include <unistd.h>

#include <algorithm>

#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "privsep/service_manager.h"

namespace perchild {

bool MasterLoop::on_message(ControlPeer& peer, const TakeOver&, UniqueFd) {
  if (peer.takes_over) return false;
  TakeOverOutcome outcome = TakeOverOutcome::permitted;
  if (is_service_manager(BorrowedFd(MasterFds::notify))) {
    outcome = TakeOverOutcome::supervised;
  } else if (!announced_ready_ || is_ending() || control_peers_.somebody_takes_over()) {
    outcome = TakeOverOutcome::busy;
  }
  peer.takes_over = outcome == TakeOverOutcome::permitted;
  peer.send(TakeOverAnswer{outcome, static_cast<std::uint32_t>(listeners_.size()),
                           table_.has_cgroups ? table_.controllers : 0U});
  return true;
}

BorrowedFd MasterLoop::held(const AskHeld& question) const {
  switch (question.kind) {
    case HeldKind::control_socket:
      return control_peers_.control();
    case HeldKind::status_socket:
      return control_peers_.status();
    case HeldKind::listener:
      return question.index < listeners_.size() ? listeners_[question.index].borrow()
                                                : BorrowedFd(-1);
    case HeldKind::log:
      return BorrowedFd(STDERR_FILENO);
    case HeldKind::site_cgroups:
      return BorrowedFd(table_.has_cgroups ? MasterFds::site_cgroups : -1);
  }
  return BorrowedFd(-1);
}

bool MasterLoop::on_message(ControlPeer& peer, const AskHeld& message, UniqueFd) {
  if (!peer.takes_over) return false;
  const BorrowedFd fd = held(message);
  if (fd.get() >= 0) {
    peer.send(Held{0}, fd);
  } else {
    peer.send(NotHeld{0});
  }
  return true;
}

bool MasterLoop::on_message(ControlPeer& peer, const GiveWay&, UniqueFd) {
  if (!peer.takes_over || is_ending()) return false;
  log_.line(Priority::info, "giving way to a successor: what has begun may finish");
  gives_way_ = true;
  control_peers_.close_doors();
  leave_listeners();
  peer.send(GivingWay{0});
  // Whoever asks something is to ask the successor.
  control_peers_.for_each([&](ControlPeer& other) { other.closed |= &other != &peer; });
  return true;
}

bool MasterLoop::is_passed(const std::string& address) const {
  return std::find(table_.passed.begin(), table_.passed.end(), address) != table_.passed.end();
}

// One that is stored already is not stored twice (sd_pid_notify_with_fds(3)). One that the manager
// has bound itself is not stored: a copy in its store would keep it from binding that anew.
void MasterLoop::store_listeners() {
  const BorrowedFd manager(MasterFds::notify);
  if (!is_service_manager(manager)) return;
  listeners_are_kept_ = true;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const std::string& address = table_.listeners[i];
    if (!listeners_[i].has_value() || is_passed(address)) continue;
    listeners_are_kept_ &= store_listener(manager, address, listeners_[i].borrow());
  }
}

void MasterLoop::leave_listeners() {
  leaving_until_ = now_ + table_.drain;
  for (RouterChild& router : routers_) {
    if (router.child.state == ChildState::serving) {
      send(router, Drain{1}, UniqueFd());
    } else {
      end(router.child, "");
    }
  }
  listeners_.clear();
}

// When the last router has handed over what it held, or the time is up.
void MasterLoop::finish_leaving() {
  const bool routers_run = std::any_of(routers_.begin(), routers_.end(), [](const auto& router) {
    return router.child.state != ChildState::absent;
  });
  if (routers_run && now_ < *leaving_until_) return;
  drain_until_ = leaving_until_;
  for (WorkerChild* worker : std::exchange(starts_, {})) worker->wanted = worker->queued = false;
  for (const auto& [site, group] : groups_) {
    group.for_each_running([&](WorkerChild& worker) {
      // One that is still locking itself down is told when it has; it may have connections queued.
      if (worker.child.state == ChildState::serving) tell_to_leave(worker);
    });
  }
}

// Beside a successor nobody has to hurry, and a connection on which a request may be on its way is
// not closed. Before one, those that are idle would only keep it waiting.
void MasterLoop::tell_to_leave(WorkerChild& worker) {
  if (gives_way_) {
    send(worker, Retire{0});
  } else {
    send(worker, Drain{0});
  }
}

}  // namespace perchild
