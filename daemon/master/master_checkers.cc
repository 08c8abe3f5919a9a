// The master's side towards the sites' checkers. A checker keeps nothing, so that it can be ended
// and started again at any moment.
//
// Runs in: master.
// Does not trust: checkers. What one says is either permitted now, or the end of it.
#include "daemon/master/hear.h"
#include "daemon/master/master.h"

namespace perchild {
namespace {

// It ends by itself to read changed files anew. One that does so all the time is held back.
constexpr std::chrono::seconds healthy_life{1};

}  // namespace

void MasterLoop::on_checker_readable(CheckerChild& checker) {
  constexpr int messages_at_once = 1;
  hear(
      checker.control, checker.child, now_, messages_at_once,
      [&](const auto& message) { return on_message(checker, message); },
      [&](Offence) { end(checker.child, checker.name + " sent what it may not send"); });
}

bool MasterLoop::on_message(CheckerChild& checker, const LockDownComplete& message) {
  if (checker.child.state != ChildState::locking_down ||
      message.pid != static_cast<std::uint32_t>(checker.child.pid) ||
      !verify(checker.child, Role::checker, checker.identity, checker.name)) {
    return false;
  }
  checker.child.state = ChildState::serving;
  introduce_to_workers(checker);
  return true;
}

bool MasterLoop::on_message(CheckerChild& checker, const PeerViolation& message) {
  return punish_worker(checker, message);
}

void MasterLoop::on_checker_death(CheckerChild& checker, int status) {
  if (status != 0 && checker.child.state != ChildState::ending) {
    log_.line(Priority::error, describe_death(checker.name, checker.child.pid, status));
  }
  on_companion_death(checker, status != 0 || now_ - checker.child.started_at < healthy_life);
}

}  // namespace perchild
