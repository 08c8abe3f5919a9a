// The processes of a site's programs, from their start until they are reaped. As PID 1 the runner
// also reaps those whose parents have gone.
//
// Runs in: runner.
// Does not trust: programs.
#pragma once

#include <poll.h>

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/runner/error_lines.h"
#include "daemon/runner/program_start.h"
#include "vhosts/deadline_list.h"

namespace perchild {

// Who has started a process.
class ProcessOwner {
 public:
  virtual ~ProcessOwner() = default;
  virtual const std::string& name() const = 0;
  // `well`: of its own accord, and with status 0.
  virtual void on_end(::pid_t pid, bool well) = 0;
};

class Processes {
 public:
  explicit Processes(logs::ErrorLog& log) : log_(log) {}

  // `owner` outlives its processes. Where the site has as many processes as it may have and
  // none of them is known here, those are ended.
  Result<::pid_t> start(const ProgramStart& start, ProcessOwner& owner);

  // One that another has forked, which is now a child of the runner. False, and it is nobody's, if
  // it is none, does not lead a session, or is known.
  bool adopt(::pid_t pid, UniqueFd errors, ProcessOwner& owner);

  // SIGTERM to the process and all that it has started in its process group, SIGKILL a second
  // later.
  void end(::pid_t pid, Clock::time_point now);

  // Likewise; and SIGKILL to what descends from it in other groups, as far as its parents live.
  void end_with_descendants(::pid_t pid, Clock::time_point now);

  // SIGKILL to all that there are, known or not. Behind it they are no more, and nobody is told.
  static void end_all();

  void append_polled(std::vector<::pollfd>& polled);
  // What they have written to stderr. `polled` is as append_polled() made it, and the first to be
  // told.
  void read_errors(std::span<const ::pollfd> polled);
  // Tells the owners.
  void reap();
  void on_timers(Clock::time_point now);
  std::optional<Clock::time_point> next_timer() const;

 private:
  struct Process {
    ProcessOwner* owner;
    ErrorLines errors;
    std::optional<Clock::time_point> kill_at{};  // it has been told to end
    bool killed = false;
  };
  static void kill_everybody();
  void end_strays();
  void say_how_it_ended(const Process& process, ::pid_t pid, int code, int status);

  static constexpr std::chrono::seconds patience{1};

  std::map<::pid_t, Process> processes_;
  std::size_t first_polled_ = 0;
  logs::ErrorLog& log_;
};

}  // namespace perchild
