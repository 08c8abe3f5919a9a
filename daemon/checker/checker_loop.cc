#include "daemon/checker/checker_loop.h"

#include <poll.h>

#include <utility>

namespace perchild {
namespace {

constexpr int exit_to_start_anew = 0;
constexpr int exit_peer_failed = 1;  // the master has gone, or sent what is no message

}  // namespace

CheckerLoop::CheckerLoop(LockedDown<Role::checker>, MasterChannel master,
                         const PasswordLists& lists, Hashing& hashing)
    : master_(std::move(master)), lists_(lists), hashing_(hashing) {}

int CheckerLoop::run() {
  for (;;) {
    wait();
    if (!on_master_readable()) return exit_peer_failed;
    for (std::size_t i = 0; i < workers_.size();) {
      switch (on_worker_readable(workers_[i])) {
        case Outcome::kept:
          ++i;
          break;
        case Outcome::dropped:
          workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(i));
          break;
        case Outcome::outdated:
          return exit_to_start_anew;
      }
    }
  }
}

void CheckerLoop::wait() {
  std::vector<::pollfd> polled{{master_.fd().get(), POLLIN, 0}};
  for (const Attached& worker : workers_) polled.push_back({worker.channel.fd().get(), POLLIN, 0});
  // Whatever it returns: every channel is asked, and none waits.
  ::ppoll(polled.data(), polled.size(), nullptr, nullptr);
}

bool CheckerLoop::on_master_readable() {
  for (;;) {
    auto received = master_.receive();
    if (received.status == MasterChannel::Status::would_block) return true;
    if (received.status != MasterChannel::Status::message) return false;
    const auto& message = std::get<AttachWorker>(*received.message);
    workers_.push_back({message.channel, WorkerChannel(std::move(received.fd))});
  }
}

CheckerLoop::Outcome CheckerLoop::on_worker_readable(Attached& worker) {
  const auto received = worker.channel.receive();
  switch (received.status) {
    case WorkerChannel::Status::would_block:
      return Outcome::kept;
    case WorkerChannel::Status::peer_gone:
      return Outcome::dropped;
    case WorkerChannel::Status::violation:
    case WorkerChannel::Status::out_of_fds:  // no question has one
      return report(worker);
    case WorkerChannel::Status::message:
      break;
  }
  const auto& question = std::get<CheckPassword>(*received.message);
  return question.list < lists_.size() ? answer(worker, question) : report(worker);
}

CheckerLoop::Outcome CheckerLoop::answer(Attached& worker, const CheckPassword& question) {
  if (lists_.outdated(PasswordLists::Clock::now())) return Outcome::outdated;
  const std::string_view user(question.user.data(), question.user_length);
  const std::string_view password(question.password.data(), question.password_length);
  const PasswordVerdict verdict = lists_.check(hashing_, question.list, user, password);
  const SendStatus sent = worker.channel.send(PasswordAnswer{question.number, verdict});
  // A worker that asks more than it may and reads no answers has no room for one.
  return sent == SendStatus::sent ? Outcome::kept : Outcome::dropped;
}

CheckerLoop::Outcome CheckerLoop::report(const Attached& worker) {
  // A master that has no room for this sees the worker's other channels end.
  static_cast<void>(master_.send(PeerViolation{worker.number}));
  return Outcome::dropped;
}

}  // namespace perchild
