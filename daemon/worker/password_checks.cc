#include "daemon/worker/password_checks.h"

#include <algorithm>
#include <utility>

namespace perchild {
namespace {

CheckPassword message_of(std::uint32_t number, const PasswordQuestion& question) {
  const auto& [user, password] = question.credentials;
  CheckPassword message{.number = number,
                        .list = question.list,
                        .user_length = static_cast<std::uint16_t>(user.size()),
                        .password_length = static_cast<std::uint16_t>(password.size()),
                        .user = {},
                        .password = {}};
  static_assert(longest_user_name <= sizeof message.user);
  static_assert(access::longest_password <= sizeof message.password);
  std::copy(user.begin(), user.end(), message.user.begin());
  std::copy(password.begin(), password.end(), message.password.begin());
  return message;
}

}  // namespace

std::size_t PasswordChecks::count_of(const AddressBytes& visitor) const {
  const auto is_his = [&](const PasswordQuestion* question) {
    return question != nullptr && question->visitor == visitor;
  };
  return static_cast<std::size_t>(
      std::count_if(waiting_.begin(), waiting_.end(), is_his) +
      std::count_if(asked_.begin(), asked_.end(),
                    [&](const Asked& asked) { return is_his(asked.question); }));
}

bool PasswordChecks::ask(PasswordQuestion& question) {
  if (waiting_.size() >= most || count_of(question.visitor) >= most_of_a_visitor) return false;
  waiting_.push_back(&question);
  send_next();
  return true;
}

void PasswordChecks::withdraw(const PasswordQuestion& question) {
  std::erase(waiting_, &question);
  for (Asked& asked : asked_) {
    if (asked.question == &question) asked.question = nullptr;
  }
}

void PasswordChecks::send_next() {
  while (channel_ && !waiting_.empty() && asked_.size() < max_checks) {
    PasswordQuestion* question = waiting_.front();
    // A checker that has gone has a successor soon.
    if (channel_->send(message_of(last_number_ + 1, *question)) != SendStatus::sent) return;
    asked_.push_back({++last_number_, question});
    waiting_.pop_front();
  }
}

void PasswordChecks::attach(UniqueFd channel, std::uint32_t number) {
  channel_.emplace(std::move(channel));
  channel_number_ = number;
  while (!asked_.empty()) {
    if (asked_.back().question != nullptr) waiting_.push_front(asked_.back().question);
    asked_.pop_back();
  }
  send_next();
}

std::optional<BorrowedFd> PasswordChecks::fd() const {
  return channel_ ? std::optional(channel_->fd()) : std::nullopt;
}

std::optional<std::uint32_t> PasswordChecks::on_readable() {
  while (channel_) {
    const auto received = channel_->receive();
    using Status = Channel<Worker, Checker>::Status;
    if (received.status == Status::would_block) return std::nullopt;
    if (received.status == Status::peer_gone) {
      channel_.reset();
      return std::nullopt;
    }
    const auto* answer =
        received.status == Status::message ? &std::get<PasswordAnswer>(*received.message) : nullptr;
    if (answer == nullptr || asked_.empty() || answer->number != asked_.front().number) {
      channel_.reset();
      return channel_number_;
    }
    PasswordQuestion* question = asked_.front().question;
    asked_.pop_front();
    send_next();
    if (question == nullptr) continue;
    question->verdict = answer->verdict;
    // It may ask the next one from within.
    question->connection.resume(WakeReason::ready);
  }
  return std::nullopt;
}

}  // namespace perchild
