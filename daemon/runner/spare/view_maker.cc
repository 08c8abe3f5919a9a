#include "daemon/runner/spare/view_maker.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <span>

#include "daemon/runner/private_view.h"
#include "privsep/channel.h"
#include "privsep/identity_memory.h"
#include "privsep/sealed_memory.h"
#include "vhosts/sites/runner_settings.h"

namespace perchild {
namespace {

enum Part : std::size_t { identity, settings, log, parts };

Result<void> make_view(ReceivedBytes& given) {
  if (auto taken = take_identity(Role::runner, std::move(given.fds[identity])); !taken) {
    return taken;
  }
  const auto packed = SealedMapping::map(given.fds[settings].borrow());
  if (!packed) return failure(packed.error());
  const auto unpacked = RunnerSettings::unpack(packed->bytes());
  if (!unpacked) return failure({"load", "the runner's settings", 0});
  return make_private_view(*unpacked);
}

// The status that the process ends with.
int wait_and_make(BorrowedFd socket) {
  ::prctl(PR_SET_NAME, "perchild-view");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::pollfd polled{socket.get(), POLLIN, 0};
  while (::poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
  std::byte nothing{};
  ReceivedBytes given = receive_with_fds(socket, std::span(&nothing, 1));
  if (given.status != ReceiveStatus::message || given.fd_count != parts) return 1;
  const auto made = make_view(given);
  if (made) return 0;
  const std::string line = "[error] perchild-spare: " + made.error().text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(given.fds[log].get(), line.data(), line.size());
  return 1;
}

}  // namespace

Result<ViewMaker> ViewMaker::start() {
  auto pair = make_channel_pair();
  if (!pair) return failure(pair.error());
  const ::pid_t pid = ::fork();
  if (pid < 0) return failure_from_errno("fork");
  if (pid == 0) {
    pair->first.reset();
    ::_exit(wait_and_make(pair->second.borrow()));
  }
  return ViewMaker(pid, std::move(pair->first));
}

Result<void> ViewMaker::make_view(BorrowedFd identity, BorrowedFd settings, BorrowedFd log) {
  const std::byte nothing{};
  const std::array<BorrowedFd, parts> fds{identity, settings, log};
  int status = 0;
  if (send_with_fds(socket_.borrow(), std::span(&nothing, 1), fds) != SendStatus::sent) {
    return failure({"tell", "who makes the view", 0});
  }
  if (::waitpid(pid_, &status, 0) != pid_ || status != 0) {
    return failure({"make", "a private view", 0});
  }
  return {};
}

}  // namespace perchild
