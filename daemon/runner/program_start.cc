#include "daemon/runner/program_start.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "privsep/child_start.h"
#include "privsep/fork_messages.h"
#include "privsep/landlock.h"
#include "privsep/syscall_filter.h"

namespace perchild {
namespace {

constexpr int exec_failed = 127;
constexpr int listener_number = 3;  // SD_LISTEN_FDS_START
constexpr int fork_control_number = 3;
constexpr ::rlimit open_files{1024, 4096};
constexpr std::size_t most_pid_digits = 10;

// HOME is no folder of the site's: what programs leave there is not to be served.
const std::vector<std::string>& usual_environment() {
  static const std::vector<std::string> usual{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp",
                                              "TMPDIR=/tmp", "LANG=C.UTF-8"};
  return usual;
}

// A runner changes none after its lock-down.
const std::vector<int>& signals_of_runner() {
  static const std::vector<int> changed = changed_signals();
  return changed;
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

// All that the new process needs besides system calls. It is made before: between vfork and exec
// memory is the runner's own, and what is allocated there stays allocated.
struct PreparedProgram {
  PreparedProgram(const ProgramStart& start, BorrowedFd errors);
  PreparedProgram(const PreparedProgram&) = delete;
  PreparedProgram& operator=(const PreparedProgram&) = delete;

  const ProgramStart& start;
  const std::vector<int>& signals = signals_of_runner();
  std::vector<std::string> environment;
  std::vector<char*> arguments, variables;
  std::vector<PlacedFd> fds;
  char* listen_pid = nullptr;  // where its own number is to be written
};

PreparedProgram::PreparedProgram(const ProgramStart& what, BorrowedFd errors)
    : start(what),
      environment(with_environment(usual_environment(), what.environment)),
      arguments(pointers_to(what.command)),
      fds{{what.input, STDIN_FILENO}, {what.output, STDOUT_FILENO}, {errors, STDERR_FILENO}} {
  constexpr std::string_view pid_variable = "LISTEN_PID=";
  if (start.listener) {
    fds.push_back({*start.listener, listener_number});
    std::string pid(pid_variable);
    pid.append(most_pid_digits + 1, '\0');
    environment = with_environment(std::move(environment), {"LISTEN_FDS=1", std::move(pid)});
  }
  if (start.fork_control) {
    fds.push_back({*start.fork_control, fork_control_number});
    environment = with_environment(
        std::move(environment),
        {std::string(fork_server_variable) + "=" + std::to_string(fork_control_number)});
  }
  variables = pointers_to(environment);
  if (!start.listener) return;
  for (char* variable : variables) {
    if (variable != nullptr && std::string_view(variable).starts_with(pid_variable)) {
      listen_pid = variable + pid_variable.size();
    }
  }
}

// The filter last, which may refuse all but the exec.
Result<void> put_behind(const FurtherWalls& walls) {
  if (walls.ruleset) {
    if (auto restricted = restrict_with_ruleset(*walls.ruleset); !restricted) return restricted;
  }
  if (walls.refusals.empty()) return {};
  return load_syscall_filter(walls.refusals);
}

// Returns, with errno, if something fails.
void become_program(const PreparedProgram& program) {
  reset_signals(program.signals);
  program.start.leads_session ? ::setsid() : ::setpgid(0, 0);
  if (program.listen_pid != nullptr) {
    std::to_chars(program.listen_pid, program.listen_pid + most_pid_digits, ::getpid());
  }
  if (::fchdir(program.start.directory.get()) != 0 ||
      ::setrlimit(RLIMIT_NOFILE, &open_files) != 0) {
    return;
  }
  if (const auto placed = place_fds(program.fds); !placed) {
    errno = placed.error().error;
    return;
  }
  if (const auto put = put_behind(program.start.walls); !put) {
    errno = put.error().error;
    return;
  }
  ::execve(program.start.command.front().c_str(), program.arguments.data(),
           program.variables.data());
}

// Not fork: to copy the page tables of the runner, and every page that either then writes to, costs
// more than all else of a script's start. The runner stands still until the exec, or the exit after
// `error` has been set.
::pid_t start_process(const PreparedProgram& program, volatile int& error) {
  const ::pid_t pid = ::vfork();
  if (pid != 0) return pid;
  become_program(program);
  error = errno;
  ::_exit(exec_failed);
}

}  // namespace

Result<ErrorPipe> make_error_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure_from_errno("pipe2");
  ErrorPipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return failure_from_errno("F_SETFL");
  return pipe;
}

std::vector<std::string> with_environment(std::vector<std::string> all,
                                          const std::vector<std::string>& more) {
  for (const std::string& variable : more) {
    const auto same = std::find_if(all.begin(), all.end(), [&](const std::string& one) {
      return name_of(one) == name_of(variable);
    });
    if (same != all.end()) {
      *same = variable;
    } else {
      all.push_back(variable);
    }
  }
  return all;
}

Result<StartedProgram> start_program(const ProgramStart& start) {
  auto errors = make_error_pipe();
  if (!errors) return failure(errors.error());
  const PreparedProgram program(start, errors->write.borrow());
  volatile int error = 0;
  const ::pid_t pid = start_process(program, error);
  if (pid < 0) return failure_from_errno("vfork", start.command.front());
  // The process that has ended so is reaped with the others, and is nobody's.
  if (error != 0) return failure({"start", start.command.front(), error});
  return StartedProgram{pid, std::move(errors->read)};
}

}  // namespace perchild
