#include "daemon/runner/program_start.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "privsep/child_start.h"

namespace perchild {
namespace {

constexpr int exec_failed = 127;
constexpr int listener_number = 3;  // SD_LISTEN_FDS_START
constexpr ::rlimit open_files{1024, 4096};

// HOME is no folder of the site's: what programs leave there is not to be served.
const std::vector<std::string>& usual_environment() {
  static const std::vector<std::string> usual{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp",
                                              "TMPDIR=/tmp", "LANG=C.UTF-8"};
  return usual;
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Returns, with errno, if something fails.
void become_program(const ProgramStart& start, BorrowedFd errors) {
  reset_signals();
  ::setsid();
  std::vector<std::string> environment = with_environment(usual_environment(), start.environment);
  std::vector<PlacedFd> fds{
      {start.input, STDIN_FILENO}, {start.output, STDOUT_FILENO}, {errors, STDERR_FILENO}};
  if (start.listener) {
    fds.push_back({*start.listener, listener_number});
    environment = with_environment(std::move(environment),
                                   {"LISTEN_FDS=1", "LISTEN_PID=" + std::to_string(::getpid())});
  }
  if (::fchdir(start.directory.get()) != 0 || ::setrlimit(RLIMIT_NOFILE, &open_files) != 0) return;
  if (const auto placed = place_fds(fds); !placed) {
    errno = placed.error().error;
    return;
  }
  const std::vector<char*> arguments = pointers_to(start.command);
  const std::vector<char*> variables = pointers_to(environment);
  ::execve(start.command.front().c_str(), arguments.data(), variables.data());
}

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure_from_errno("pipe2");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

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
  auto errors = make_pipe();
  if (!errors) return failure(errors.error());
  auto outcome = make_pipe();  // closed by the exec, or an errno comes by it
  if (!outcome) return failure(outcome.error());
  const ::pid_t pid = ::fork();
  if (pid < 0) return failure_from_errno("fork", start.command.front());
  if (pid == 0) {
    become_program(start, errors->write.borrow());
    const int error = errno;
    [[maybe_unused]] const ssize_t said = ::write(outcome->write.get(), &error, sizeof error);
    ::_exit(exec_failed);
  }
  outcome->write.reset();
  errors->write.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(outcome->read.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  // The process that has ended so is reaped with the others, and is nobody's.
  if (got != 0) return failure({"start", start.command.front(), error});
  if (::fcntl(errors->read.get(), F_SETFL, O_NONBLOCK) != 0) return failure_from_errno("F_SETFL");
  return StartedProgram{pid, std::move(errors->read)};
}

}  // namespace perchild
