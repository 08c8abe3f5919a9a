// Processes with one connection each (FastCGI): started when they are asked for, given to one
// worker at a time, ended when they have been idle.
//
// Runs in: runner.
#pragma once

#include <map>

#include "daemon/runner/programs.h"

namespace perchild {

class Pool final : public Program {
 public:
  using Program::Program;

  void release(std::uint32_t instance, bool keep, std::uint32_t served) override;
  void on_end(::pid_t pid, bool) override;
  void on_timers() override;
  std::optional<Clock::time_point> next_timer() const override;

 private:
  enum class State : std::uint8_t { given, idle, ending };
  struct Member {
    UniqueFd connection;  // the worker has a copy of it
    State state = State::idle;
    std::uint32_t instance = 0;  // of the worker that it is given to
    std::uint32_t served = 0;    // requests
    Clock::time_point idle_since{};
  };
  using Members = std::map<::pid_t, Member>;

  void serve() override;
  Members::iterator find_idle();
  bool start_one();
  void give(Member& member);
  void end(::pid_t pid, Member& member);

  // Again and again while somebody waits: who has none at rest now has one later.
  static constexpr std::chrono::milliseconds recall_interval{100};

  Members members_;
  Clock::time_point recalled_at_{};
};

}  // namespace perchild
