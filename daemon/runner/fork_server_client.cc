#include "daemon/runner/fork_server_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <span>

#include "privsep/fd_passing.h"

namespace perchild {

Result<UniqueFd> ForkServerClient::open() {
  drop();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return failure_from_errno("socketpair");
  }
  control_ = UniqueFd(ends[0]);
  return UniqueFd(ends[1]);
}

void ForkServerClient::begin(::pid_t pid, Clock::time_point now) {
  state_ = State::loading;
  pid_ = pid;
  started_at_ = now;
}

bool ForkServerClient::ask_for_first(BorrowedFd errors) {
  const ForkRequest request{0};
  return send_with_fds(control_.borrow(), std::as_bytes(std::span(&request, 1)),
                       std::span(&errors, ForkRequest::fd_count_of_first)) == SendStatus::sent;
}

bool ForkServerClient::adopt(const AdoptionPlace& place, const AdoptionFds& fds,
                             Clock::time_point now) {
  state_ = State::loading;
  started_at_ = now;
  AdoptionWalls walls{};
  static_assert(sizeof(::gid_t) == sizeof walls.groups[0]);
  const int groups = ::getgroups(static_cast<int>(AdoptionWalls::most_groups), walls.groups);
  if (groups < 0) return false;
  walls.uid = ::geteuid();
  walls.gid = ::getegid();
  walls.group_count = static_cast<std::uint32_t>(groups);
  walls.has_refusals = fds.refusals ? 1 : 0;
  walls.has_ruleset = fds.ruleset ? 1 : 0;
  const std::array<BorrowedFd, AdoptionWalls::fd_count> to_walls{fds.directory, fds.filter,
                                                                 fds.refusals.value_or(fds.filter),
                                                                 fds.ruleset.value_or(fds.filter)};
  return send_with_fds(control_.borrow(), std::as_bytes(std::span(&place, 1)),
                       std::span(&fds.cgroup_procs, 1)) == SendStatus::sent &&
         send_with_fds(control_.borrow(), std::as_bytes(std::span(&walls, 1)), to_walls) ==
             SendStatus::sent;
}

std::optional<std::uint32_t> ForkServerClient::ask(BorrowedFd connection, BorrowedFd errors) {
  const ForkRequest request{last_number_ + 1};
  const std::array<BorrowedFd, ForkRequest::fd_count> fds{errors, connection};
  if (send_with_fds(control_.borrow(), std::as_bytes(std::span(&request, 1)), fds) !=
      SendStatus::sent) {
    return std::nullopt;
  }
  return ++last_number_;
}

std::optional<ForkReport> ForkServerClient::take_report() {
  if (state_ == State::none || is_lost_) return std::nullopt;
  ForkReport report;
  const auto room = std::as_writable_bytes(std::span(&report, 1));
  const ReceivedBytes received = receive_with_fds(control_.borrow(), room);
  if (received.status == ReceiveStatus::would_block) return std::nullopt;
  if (received.status != ReceiveStatus::message || received.length != sizeof report ||
      received.fd_count != 0 || !is_expected(report.number)) {
    is_lost_ = true;
    return std::nullopt;
  }
  if (report.number == 0) state_ = State::ready;
  return report;
}

bool ForkServerClient::is_expected(std::uint32_t number) const {
  if (number == 0) return state_ == State::loading;
  return state_ == State::ready && number <= last_number_;
}

void ForkServerClient::drop() {
  state_ = State::none;
  is_lost_ = false;
  pid_ = 0;
  last_number_ = 0;
  control_.reset();
}

}  // namespace perchild
