// An application: one process with a listening Unix socket, and as many connections as are asked
// for. Started when it is asked for, ended when it has been idle, held back when it keeps dying.
// One that has left somebody without an answer is asked whether it still answers at all, and if
// not, another takes its place.
//
// Runs in: runner.
#pragma once

#include "daemon/runner/programs.h"

namespace perchild {

class App final : public Program {
 public:
  using Program::Program;

  void release(std::uint32_t instance, ReleaseTo what, std::uint32_t served) override;
  void on_end(::pid_t pid, bool) override;
  void append_polled(std::vector<::pollfd>& polled) const override;
  void on_polled(std::span<const ::pollfd> polled) override;
  void on_timers() override;
  std::optional<Clock::time_point> next_timer() const override;

 private:
  void serve() override;
  bool start();
  bool connect_first();  // false if the socket is not there (yet)
  bool runs() const { return pid_ != 0 && !ending_; }
  void ask_whether_it_answers();
  void end_silent();
  bool takes_too_long() const;

  static constexpr std::chrono::milliseconds look_again{20};
  static constexpr std::chrono::milliseconds first_delay{250};
  static constexpr std::chrono::milliseconds longest_delay{30'000};
  static constexpr std::chrono::seconds healthy_life{60};
  static constexpr std::chrono::milliseconds longest_silence{5'000};

  struct HealthCheck {
    UniqueFd connection;
    Clock::time_point until;
  };

  std::string path_;   // of the socket
  UniqueFd listener_;  // that the application is given, if it does not make it itself
  ::pid_t pid_ = 0;    // 0: it does not run
  bool ending_ = false;
  bool silent_ = false;       // which is why it is ending
  bool was_reached_ = false;  // its socket has been there
  std::optional<HealthCheck> check_;
  std::size_t given_ = 0;  // connections that have not been released
  Clock::time_point started_at_{};
  Clock::time_point idle_since_{};
  Clock::time_point not_before_{};  // it keeps dying
  std::chrono::milliseconds delay_{0};
};

}  // namespace perchild
