#include "daemon/runner/pool.h"

#include <sys/socket.h>
#include <unistd.h>

namespace perchild {
namespace {

// A process that has ended, or speaks unasked, is of no use to anybody.
bool is_at_rest(BorrowedFd connection) {
  char byte;
  return ::recv(connection.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

}  // namespace

Pool::Members::iterator Pool::find_idle() {
  for (auto at = members_.begin(); at != members_.end(); ++at) {
    if (at->second.state != State::idle) continue;
    if (is_at_rest(at->second.connection.borrow())) return at;
    end(at->first, at->second);
  }
  return members_.end();
}

void Pool::serve() {
  while (!waiting_.empty()) {
    const auto idle = find_idle();
    if (idle != members_.end()) {
      give(idle->second);
    } else if (members_.size() >= settings_.most_processes) {
      const Clock::time_point now = parts_.desk.now();
      if (now - recalled_at_ < recall_interval) return;
      recalled_at_ = now;
      parts_.desk.recall(number_);
      return;
    } else if (!start_one()) {
      // Who waits for the others to be free again may go on doing so.
      if (members_.empty()) refuse_all(NotAcquiredReason::cannot_start);
      return;
    }
  }
}

// The one connection that it will ever have is there before it runs.
bool Pool::start_one() {
  const std::string path = parts_.sockets.next_path();
  const auto listener = listen_at(path, 1);
  auto connection = listener ? connect_to(path) : failure(listener.error());
  ::unlink(path.c_str());
  if (!connection) {
    const std::string text = name() + " cannot be started: " + connection.error().text();
    parts_.log.add({.message = text});
    return false;
  }
  const auto pid = start_command(settings_.command, settings_.environment, listener->borrow(), {});
  if (!pid) return false;
  members_[*pid] = {.connection = std::move(*connection), .idle_since = parts_.desk.now()};
  return true;
}

void Pool::give(Member& member) {
  member.instance =
      parts_.desk.give(take_first(), number_, member.connection.borrow(), member.served);
  member.state = member.instance != 0 ? State::given : State::idle;
}

// Some programs end of their own accord when they have served enough; for the others it is counted.
void Pool::release(std::uint32_t instance, bool keep, std::uint32_t served) {
  const bool is_used_up = settings_.most_requests != 0 && served >= settings_.most_requests;
  for (auto& [pid, member] : members_) {
    if (member.state != State::given || member.instance != instance) continue;
    member.served = served;
    if (keep && !is_used_up) {
      member.state = State::idle;
      member.idle_since = parts_.desk.now();
    } else {
      end(pid, member);
    }
    break;
  }
  serve();
}

void Pool::end(::pid_t pid, Member& member) {
  member.state = State::ending;
  member.connection.reset();
  parts_.processes.end(pid, parts_.desk.now());
}

void Pool::on_end(::pid_t pid, bool) {
  members_.erase(pid);
  serve();
}

void Pool::on_timers() {
  const Clock::time_point now = parts_.desk.now();
  for (auto& [pid, member] : members_) {
    if (member.state == State::idle && member.idle_since + settings_.idle <= now) end(pid, member);
  }
  if (!waiting_.empty()) serve();
}

std::optional<Clock::time_point> Pool::next_timer() const {
  std::optional<Clock::time_point> first;
  if (!waiting_.empty()) first = recalled_at_ + recall_interval;
  for (const auto& [pid, member] : members_) {
    if (member.state != State::idle) continue;
    const Clock::time_point ends = member.idle_since + settings_.idle;
    if (!first || ends < *first) first = ends;
  }
  return first;
}

}  // namespace perchild
