// The start of one program: vfork, descriptors into their places, exec.
//
// Runs in: runner; between vfork and exec in the program's process.
// Trusts: its arguments, which come of the settings, or of a script that has been looked at.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// What keeps a site's programs in, on top of their runner's walls, where the site says so.
struct FurtherWalls {
  std::string_view refusals{};  // a system-call filter
  // Landlock's, once more: who is behind one layer more cannot trace what the runner starts without
  // these (mail), and have the refused calls made there.
  std::optional<BorrowedFd> ruleset{};
};

struct ProgramStart {
  std::vector<std::string> command;  // the first is a path, from `directory` if it is relative
  std::vector<std::string>
      environment;  // besides what every program has; the last of a name counts
  BorrowedFd directory;
  BorrowedFd input;   // 0
  BorrowedFd output;  // 1
  // 3, told by LISTEN_FDS and LISTEN_PID, sd_listen_fds(3).
  std::optional<BorrowedFd> listener{};
  // 3 in the place of a listener, told by PERCHILD_FORK_SERVER.
  std::optional<BorrowedFd> fork_control{};
  FurtherWalls walls{};
  // A script is in the runner's session, and leads a process group alone. Linux makes a scheduling
  // group of each session (autogroup): that takes 2 to 3 % of a script's request, and with one each
  // a site's scripts had so many shares of the CPU.
  bool leads_session = true;
};

struct ErrorPipe {
  UniqueFd read;  // non-blocking
  UniqueFd write;
};
// For a stderr.
Result<ErrorPipe> make_error_pipe();

struct StartedProgram {
  ::pid_t pid;      // leads a process group
  UniqueFd errors;  // its stderr, a pipe; non-blocking
};

// An error also if the exec fails. It has no descriptors but these, and waits for nobody.
Result<StartedProgram> start_program(const ProgramStart& start);

// "NAME=value" of each: those of `more` in the place of the earlier ones.
std::vector<std::string> with_environment(std::vector<std::string> all,
                                          const std::vector<std::string>& more);

}  // namespace perchild
