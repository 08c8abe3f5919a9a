// The runner's end of a fork server: a pool's program that has been loaded once, and forks the
// pool's processes (daemon/fork_server).
//
// Runs in: runner.
// Does not trust: the program. What it says of a process is held against the kernel's word by
// whoever adopts that.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "privsep/fork_messages.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"
#include "vhosts/deadline_list.h"

namespace perchild {

class ForkServerClient {
 public:
  enum class State : std::uint8_t {
    none,
    loading,  // a process that may become one, or serve by itself for ever
    ready,
  };

  State state() const { return state_; }
  ::pid_t pid() const { return pid_; }
  BorrowedFd fd() const { return control_.borrow(); }

  // The end that goes to the program; then begin() when it runs, or drop().
  Result<UniqueFd> open();
  void begin(::pid_t pid, Clock::time_point now);
  // Of a spare: makes what is loaded the site's, as this process is, in this place. It reports
  // number 0 when it is.
  struct AdoptionFds {
    BorrowedFd directory, cgroup_procs, filter;
    std::optional<BorrowedFd> refusals, ruleset;
  };
  bool adopt(const AdoptionPlace& place, const AdoptionFds& fds, Clock::time_point now);
  // What it loads for longer is a program like any other.
  Clock::time_point loaded_by() const { return started_at_ + longest_load; }
  // Another takes its place then, and so what has been installed meanwhile.
  bool is_old(Clock::time_point now) const { return started_at_ + longest_life <= now; }

  // What the process for the connection that comes by the listener says is to go there; before it
  // is started.
  bool ask_for_first(BorrowedFd errors);
  // The number that the report about it will have.
  std::optional<std::uint32_t> ask(BorrowedFd connection, BorrowedFd errors);
  // Of its own first process: number 0, with which it is ready. Of others: numbers that it has been
  // asked for by; each is for the caller to expect once.
  std::optional<ForkReport> take_report();
  // It has closed its end, or speaks nonsense: it is to be dropped.
  bool is_lost() const { return is_lost_; }
  void drop();

 private:
  bool is_expected(std::uint32_t number) const;

  static constexpr std::chrono::seconds longest_load{5};
  static constexpr std::chrono::hours longest_life{1};

  State state_ = State::none;
  bool is_lost_ = false;
  ::pid_t pid_ = 0;
  UniqueFd control_;
  std::uint32_t last_number_ = 0;
  Clock::time_point started_at_{};
};

}  // namespace perchild
