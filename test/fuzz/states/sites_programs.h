// What the kernel has of a site's programs, and the fork servers among them, which say what they
// like. What the runner asks the kernel about processes is answered here.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "daemon/runner/loaded_program.h"
#include "daemon/runner/program_start.h"
#include "privsep/fork_messages.h"
#include "privsep/process_status.h"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/signals.h"
#include "test/fuzz/states/stage.h"

namespace perchild::fuzz {

// A process that a fork server has been asked for.
struct AskedFork {
  std::uint32_t number = 0;
  UniqueFd errors, connection;
};

struct ProcessDouble {
  UniqueFd errors, input;
  UniqueFd control{};  // of a fork server
  std::vector<AskedFork> asked{};
  bool is_told_to_end = false;
  bool is_stray = false;       // the runner has not been told of it
  bool is_of_another = false;  // of another's children
  // Of what a spare has loaded: asked for nothing until the kernel has shown that it is the site's.
  bool is_in_doubt = false;
  std::uint8_t difference = 0;  // from the runner
};

class ProgramsOfSite {
 public:
  ProgramsOfSite();
  ~ProgramsOfSite();
  static ProgramsOfSite& current();

  std::map<::pid_t, ProcessDouble> living;
  bool next_start_fails = false;
  bool is_stubborn = false;  // SIGTERM does nothing
  Signals signals;

  LoadedProgram load_as_spare(std::uint8_t difference);
  void end(::pid_t pid, int status);
  // Takes what fork servers have been asked for.
  void listen();
  // One of those that have a channel to the runner; 0 if there is none.
  ::pid_t choose_server(Script& script) const;
  // One report of a process that it has forked, or has not.
  void report(::pid_t server, Script& script);
  // What is no report. It may hang up besides.
  void babble(::pid_t server, Script& script);

  // What the kernel does.
  Result<StartedProgram> start(const ProgramStart& start);
  void kill(::pid_t group, int signal);
  void wait(::siginfo_t& info, bool is_reaped);
  bool has_child(::pid_t pid) const;
  ::pid_t leader_of(::pid_t pid) const;
  Result<ProcessStatus> status_of(::pid_t pid);

 private:
  bool is_there(::pid_t pid) const;
  ::pid_t fork(AskedFork of);

  ::pid_t last_pid_ = 0x40000000;
  std::deque<std::pair<::pid_t, int>> dead_;  // and not reaped
};

}  // namespace perchild::fuzz
