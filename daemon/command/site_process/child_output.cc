#include "daemon/command/site_process/child_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace perchild {
namespace {

using Clock = std::chrono::steady_clock;

ChildOutput read_output(BorrowedFd output, const OutputBounds& bounds) {
  ChildOutput read;
  std::array<char, 4096> bytes;
  const auto until = Clock::now() + bounds.patience;
  while (read.text.size() < bounds.most) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    ::pollfd polled{output.get(), POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&polled, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    const ssize_t got = ::read(output.get(), bytes.data(), bytes.size());
    if (got <= 0) return read;
    read.text.append(bytes.data(), static_cast<std::size_t>(got));
  }
  read.is_cut = true;
  return read;
}

}  // namespace

Result<ChildOutput> output_of_child(const std::function<void(BorrowedFd output)>& body,
                                    const OutputBounds& bounds) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure_from_errno("pipe");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const ::pid_t child = ::fork();
  if (child < 0) return failure_from_errno("fork");
  if (child == 0) {
    body(input.borrow());
    ::_exit(1);
  }
  input.reset();
  ChildOutput read = read_output(output.borrow(), bounds);
  // A child of ours that nobody else reaps: the number means no other process.
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return read;
}

}  // namespace perchild
