// In place of perchild-runner. The file "order" in the site's folder says how it behaves:
//
//   tell_master WHAT    sends the master what a runner may not, once it is believed
//   answer_worker WHAT  gives its worker a file for bodies that is none, or too many of them
//   not_locked_down     says that it is, without a filter
//   litter              leaves what is no session when its site sleeps, as much as it can
//   behave              does nothing
//
// It locks itself down as the real one does, but that it keeps the machine's /proc and /tmp.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "privsep/channel.h"
#include "privsep/inherited_fds.h"
#include "privsep/lock_down.h"
#include "privsep/runner_messages.h"
#include "privsep/sealed_memory.h"
#include "vhosts/sites/runner_settings.h"

namespace perchild::test {
namespace {

void misbehave(BorrowedFd socket, const std::string& what) {
  const std::array<std::byte, 7> garbage{std::byte{9}, std::byte{9}};
  const std::array<BorrowedFd, 1> descriptor{BorrowedFd(ChildFds::log)};
  if (what == "garbage") static_cast<void>(send_with_fds(socket, garbage, {}));
  if (what == "wake") static_cast<void>(send_with_fds(socket, encode(Wake{{0}}), {}));
  if (what == "acquired") {
    static_cast<void>(send_with_fds(socket, encode(Acquired{1, 1, 0}), descriptor));
  }
  if (what == "lock_down_twice") {
    static_cast<void>(send_with_fds(socket, encode(LockDownComplete{1}), {}));
  }
  if (what == "mail_of_the_future") {
    static_cast<void>(send_with_fds(socket, encode(MailSent{~0ULL, 1, 0}), {}));
  }
  if (what == "unknown_worker") {
    static_cast<void>(send_with_fds(socket, encode(PeerViolation{1000}), {}));
  }
}

// As `what` says, for the file that a worker has asked for.
std::vector<UniqueFd> files_for_bodies(const std::string& what, const std::string& root) {
  std::vector<UniqueFd> files;
  if (what == "pipe") {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == 0) {
      files.emplace_back(ends[0]);
      ::close(ends[1]);
    }
  } else if (what == "named") {
    files.emplace_back(::open((root + "/empty").c_str(), O_RDWR | O_CLOEXEC));
  } else if (what != "nothing") {
    files.emplace_back(::memfd_create("bodies", MFD_CLOEXEC));
    if (what == "full") static_cast<void>(::ftruncate(files[0].get(), 1));
    if (what == "twice") files.emplace_back(::memfd_create("bodies", MFD_CLOEXEC));
  }
  return files;
}

void answer(Channel<Runner, Worker>& worker, const std::vector<UniqueFd>& files) {
  const auto received = worker.receive();
  if (!received.message || !std::holds_alternative<AskBodyFile>(*received.message)) return;
  for (const UniqueFd& file : files) static_cast<void>(worker.send(BodyFile{}, file.borrow()));
}

// Whether it is to leave. What it is given back it says in the error log.
bool litters(const Direction<Master, Runner>::Messages& message, std::optional<BorrowedFd> memory) {
  if (std::holds_alternative<KeepSessions>(message)) {
    const std::string litter(2 * session_memory, 'x');
    return ::pwrite(memory->get(), litter.data(), litter.size(), 0) ==
           static_cast<ssize_t>(session_memory);
  }
  char first = 0;
  if (std::holds_alternative<TakeSessions>(message) && ::pread(memory->get(), &first, 1, 0) == 1) {
    const std::string line = std::string("given litter: ") + first + "\n";
    [[maybe_unused]] const auto said = ::write(ChildFds::log, line.data(), line.size());
  }
  return false;
}

int run() {
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!packed || !filter) return 3;
  const std::string root = RunnerSettings::unpack(packed->bytes())->root;
  std::string manner, what;
  std::ifstream(root + "/order") >> manner >> what;
  const auto files = files_for_bodies(what, root);
  Channel<Runner, Master> master{UniqueFd(ChildFds::control)};
  if (manner != "not_locked_down") {
    const auto nothing = make_ruleset_of_programs({}, {});
    if (!nothing) return 3;
    const auto proof =
        lock_down<Role::runner>({.filter = filter->bytes(), .programs_ruleset = nothing->borrow()});
    if (!proof) return 3;
  }
  const std::uint32_t claimed = what == "wrong_pid" ? 2 : 1;
  static_cast<void>(master.send(LockDownComplete{claimed}));
  std::vector<Channel<Runner, Worker>> workers;
  for (;;) {
    std::vector<::pollfd> polled{{master.fd().get(), POLLIN, 0}};
    for (const auto& worker : workers) polled.push_back({worker.fd().get(), POLLIN, 0});
    ::ppoll(polled.data(), polled.size(), nullptr, nullptr);
    if (manner == "answer_worker") {
      for (auto& worker : workers) answer(worker, files);
    }
    auto received = master.receive();
    if (received.status == Channel<Runner, Master>::Status::peer_gone) return 1;
    if (received.status != Channel<Runner, Master>::Status::message) continue;
    if (manner == "tell_master") misbehave(master.fd(), what);
    if (manner == "litter" && litters(*received.message, received.fd.borrow_if_any())) return 0;
    if (!std::holds_alternative<AttachClient>(*received.message)) continue;
    workers.emplace_back(std::move(received.fd));
    if (manner == "answer_worker" && what == "unasked") {
      static_cast<void>(workers.back().send(BodyFile{}, files[0].borrow()));
    }
  }
}

}  // namespace
}  // namespace perchild::test

int main() {
  ::prctl(PR_SET_NAME, "perchild-runner");
  return perchild::test::run();
}
