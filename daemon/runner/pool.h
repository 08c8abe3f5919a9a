// Processes with one connection each (FastCGI): started when they are asked for, given to one
// worker at a time, ended when they have been idle. A program that can be forked is loaded once.
//
// Runs in: runner.
#pragma once

#include <list>

#include "daemon/runner/fork_server_client.h"
#include "daemon/runner/programs.h"

namespace perchild {

class Pool final : public Program {
 public:
  Pool(std::uint32_t number, const ProgramSettings& settings, RunnerParts& parts);

  void take(LoadedProgram loaded) override;
  void release(std::uint32_t instance, ReleaseTo what, std::uint32_t served) override;
  void on_end(::pid_t pid, bool) override;
  void take_reports() override;
  void append_polled(std::vector<::pollfd>& polled) const override;
  void on_polled(std::span<const ::pollfd> polled) override;
  void on_timers() override;
  std::optional<Clock::time_point> next_timer() const override;

 private:
  enum class State : std::uint8_t {
    starting,  // asked of the fork server: it has no number yet
    given,
    idle,
    finishing,  // for nobody
    ending,
  };
  struct Member {
    UniqueFd connection;  // the worker has a copy of it
    State state = State::idle;
    ::pid_t pid = 0;
    std::uint32_t request = 0;   // of the fork server
    UniqueFd errors{};           // until there is a process that writes to it
    bool forked = false;         // it ends with its connection
    std::uint32_t instance = 0;  // of the worker that it is given to
    std::uint32_t served = 0;    // requests
    Clock::time_point since{};   // starting, idle or finishing
  };
  using Members = std::list<Member>;

  void serve() override;
  Members::iterator find_idle();
  bool start_one();
  bool start_process();
  bool fork_one();
  void give(Member& member);
  void let_go(Member& member, ReleaseTo what);
  void end(Member& member);
  void on_report(const ForkReport& report);
  void on_adoption(const ForkReport& report);
  void end_server();
  bool is_loading(const Member& member) const;
  bool is_awaited() const;
  bool needs_server() const;
  std::optional<Clock::time_point> end_of(const Member& member) const;

  // Again and again while somebody waits: who has none at rest now has one later.
  static constexpr std::chrono::milliseconds recall_interval{100};
  // No more than the fork server's socket has room for.
  static constexpr std::size_t most_forks_at_once = 16;
  // A fork server that says nothing for longer is ended.
  static constexpr std::chrono::seconds longest_fork{10};

  Members members_;
  ForkServerClient server_;
  bool forks_;  // as far as is known
  Clock::time_point recalled_at_{};
  Clock::time_point next_try_{};  // for those that wait
  Clock::time_point used_at_{};
};

}  // namespace perchild
