#include "test/support/command.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "privsep/unique_fd.h"
#include "test/support/server.h"

namespace perchild::test {
namespace {

constexpr int command_deadline_ms = 120'000;

[[noreturn]] void execute(std::vector<std::string> arguments, std::optional<::uid_t> as) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const bool dropped = !as || (::setgroups(0, nullptr) == 0 && ::setresgid(*as, *as, *as) == 0 &&
                               ::setresuid(*as, *as, *as) == 0);
  if (dropped) ::execvp(pointers.front(), pointers.data());
  ::_exit(127);
}

// Until the other end is closed or the deadline has passed.
std::string read_all(BorrowedFd fd) {
  std::string text;
  std::vector<char> buffer(1024 * 1024);
  const std::int64_t end = now_ms() + command_deadline_ms;
  for (;;) {
    ::pollfd polled{fd.get(), POLLIN, 0};
    const auto left = static_cast<int>(std::max<std::int64_t>(0, end - now_ms()));
    if (::poll(&polled, 1, left) != 1) return text;
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

CommandEnd run_command(const std::vector<std::string>& arguments, std::optional<::uid_t> as) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const UniqueFd output(ends[0]);
  UniqueFd write_end(ends[1]);
  const ::pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) {
    ::dup2(write_end.get(), STDOUT_FILENO);
    ::dup2(write_end.get(), STDERR_FILENO);
    execute(arguments, as);
  }
  write_end.reset();
  CommandEnd end;
  end.output = read_all(output.borrow());
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; })) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return end;
}

}  // namespace perchild::test
