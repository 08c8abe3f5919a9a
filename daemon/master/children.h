// What the master keeps of its children.
//
// Runs in: master.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/ids.h"
#include "privsep/channel.h"
#include "privsep/unique_fd.h"
#include "vhosts/deadline_list.h"

namespace perchild {

enum class ChildState : std::uint8_t {
  absent,        // not running
  locking_down,  // running; has been given nothing of value
  serving,       // verified
  ending,        // has been killed, not reaped yet
};

// When to start a child again that died: at once the first time, then later and later.
class BackOff {
 public:
  // `lived`: since its last start. A child that ran for a while starts with a clean slate.
  void on_death(Clock::time_point now, Clock::duration lived) {
    failures_ = lived > clean_after ? 1 : failures_ + 1;
    next_start_ = now + delay();
  }
  Clock::time_point next_start() const { return next_start_; }
  unsigned failures() const { return failures_; }
  std::chrono::milliseconds delay() const {
    if (failures_ <= 1) return std::chrono::milliseconds(0);
    const unsigned doublings = failures_ - 2 < 7 ? failures_ - 2 : 7;
    return std::min(first_delay * (1U << doublings), longest_delay);
  }

 private:
  static constexpr std::chrono::seconds clean_after{60};
  static constexpr std::chrono::milliseconds first_delay{250};
  static constexpr std::chrono::milliseconds longest_delay{30'000};
  unsigned failures_ = 0;
  Clock::time_point next_start_{};
};

struct Child {
  ChildState state = ChildState::absent;
  ::pid_t pid = 0;
  UniqueFd pidfd;
  Clock::time_point started_at{};
  std::optional<Clock::time_point> hung_up_at{};  // its channel has ended, it has not
  std::string ended_because{};                    // if it was us who did
};

struct RouterChild {
  using Message = Direction<Master, Router>::Messages;

  Child child;
  std::optional<Channel<Master, Router>> control;
  std::deque<std::pair<Message, UniqueFd>> outbox;  // what its socket had no room for yet
  std::vector<bool> woke;  // by SiteId: has asked, and been told of no failure since
  BackOff back_off;
};

struct WorkerChild {
  Child child;
  BackOff back_off;
  std::optional<Channel<Master, Worker>> control;
  // By router: the worker's end of their channel. Kept, so that what is queued in it outlives the
  // worker; empty where the router is not running.
  std::vector<UniqueFd> router_ends;
};

// The workers of a site that has been woken. Each is restarted for itself: one that keeps dying
// does not keep the others from serving.
struct SiteGroup {
  std::vector<WorkerChild> workers;
};

}  // namespace perchild
