#include "daemon/worker/keeper_client.h"

#include <openssl/async.h>

#include <algorithm>
#include <utility>

#include "daemon/worker/connection.h"

namespace perchild {

void KeeperClient::attach(UniqueFd fd) {
  channel_.emplace(std::move(fd));
  unanswered_.clear();
  for (Question* question : questions_) question->is_asked = false;
  ask_the_rest();
}

std::optional<BorrowedFd> KeeperClient::fd() const {
  return channel_ ? std::optional(channel_->fd()) : std::nullopt;
}

// What those have asked who have given up meanwhile counts too: the keeper may not be asked for
// more at a time, and there is room for so much. A channel that has none all the same has lost its
// keeper, and with the next one all are asked again.
void KeeperClient::ask_the_rest() {
  has_unasked_ = false;
  for (Question* question : questions_) {
    if (question->is_asked) continue;
    has_unasked_ = !channel_ || unanswered_.size() == max_signatures ||
                   channel_->send(question->request) != SendStatus::sent;
    if (has_unasked_) return;
    question->is_asked = true;
    unanswered_.push_back(question->request.number);
  }
}

// Whatever comes when nobody waits is read with its own event.
KeeperState KeeperClient::on_readable() {
  while (channel_) {
    const auto received = channel_->receive();
    switch (received.status) {
      case Channel<Worker, Keeper>::Status::would_block:
        return KeeperState::serves;
      case Channel<Worker, Keeper>::Status::message:
        std::visit([this](const auto& message) { on_message(message); }, *received.message);
        if (questions_.empty()) return KeeperState::serves;
        break;
      case Channel<Worker, Keeper>::Status::peer_gone:
        channel_.reset();
        break;
      case Channel<Worker, Keeper>::Status::violation:
      case Channel<Worker, Keeper>::Status::out_of_fds:  // no answer has one
        channel_.reset();
        return KeeperState::sent_nonsense;
    }
  }
  return KeeperState::has_gone;
}

void KeeperClient::on_message(const Signature& message) {
  std::erase(unanswered_, message.number);
  const auto found = std::find_if(
      questions_.begin(), questions_.end(),
      [&](const Question* question) { return question->request.number == message.number; });
  if (found == questions_.end()) return;  // its connection has given up meanwhile
  Question& question = **found;
  questions_.erase(found);
  question.length = message.length <= question.signature.size() ? message.length : 0;
  std::copy_n(message.bytes.data(), question.length, question.signature.data());
  question.answered = true;
  // Its handshake goes on, and with it the stack goes that the question is on.
  question.asker->on_answer();
}

void KeeperClient::on_message(const TicketKeys& message) {
  tickets_ = message;
}

// Jobs become free by answers, by those who give up, and by those in line who need no signature. A
// job that stands still has a question; whoever gets none all the same stands in line again.
void KeeperClient::end_turn() {
  if (has_unasked_) ask_the_rest();
  if (!tickets_) return;
  for (std::size_t left = line_.size(); left > 0; --left) {
    if (line_.empty() || questions_.size() == max_signatures) return;
    Connection* next = line_.front();
    line_.pop_front();
    next->on_answer();
  }
}

std::size_t KeeperClient::sign(std::uint32_t key, std::uint16_t scheme, std::string_view content,
                               std::span<unsigned char> signature) {
  Question question{{.number = ++last_number_,
                     .key = static_cast<std::uint16_t>(key),
                     .scheme = scheme,
                     .length = static_cast<std::uint32_t>(content.size()),
                     .content = {}},
                    asker_,
                    signature};
  if (::ASYNC_get_current_job() == nullptr || content.size() > question.request.content.size()) {
    return 0;
  }
  std::copy(content.begin(), content.end(), question.request.content.begin());
  questions_.push_back(&question);
  if (!has_unasked_) ask_the_rest();
  while (!question.answered) ::ASYNC_pause_job();
  return question.length;
}

void KeeperClient::forget(Connection& connection) {
  std::erase(line_, &connection);
  std::erase_if(questions_, [&](Question* question) {
    question->answered = question->asker == &connection;
    return question->answered;
  });
}

}  // namespace perchild
