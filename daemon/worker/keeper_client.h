// The worker's side of its channel to the keeper: signatures are asked for in the middle of a
// handshake, which stands still, on a stack of its own (OpenSSL's ASYNC jobs), until the answer is
// there. The loop and every other connection go on.
//
// Runs in: worker.
// Trusts: the keeper, for session ticket keys and signatures; what is no message ends the worker.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/worker/tls.h"
#include "privsep/channel.h"
#include "privsep/keeper_messages.h"

namespace perchild {

class Connection;

class KeeperClient {
 public:
  KeeperClient() = default;
  KeeperClient(const KeeperClient&) = delete;
  KeeperClient& operator=(const KeeperClient&) = delete;

  // A channel, in place of the one before: what nobody has answered is asked again.
  void attach(UniqueFd fd);
  std::optional<BorrowedFd> fd() const;

  // Takes the answers that are there and resumes who waits for them. Unless the keeper serves, the
  // channel is no more; for one that has gone the master makes another one.
  KeeperState on_readable();

  // For which connection a handshake is about to be continued.
  void serve(Connection& connection) { asker_ = &connection; }
  // From within a handshake's job: waits for a signature. Its length; 0 if there will be none.
  std::size_t sign(std::uint32_t key, std::uint16_t scheme, std::string_view content,
                   std::span<unsigned char> signature);
  // Whoever found no job free, or came before the keeper's first word, is resumed when that
  // has changed, at the end of a turn.
  void stand_in_line(Connection& connection) { line_.push_back(&connection); }
  void end_turn();
  // The connection gives up: what it waits for fails at once, and resumes nobody.
  void forget(Connection& connection);

  // Nullptr before the keeper has sent them.
  const TicketKeys* ticket_keys() const { return tickets_ ? &*tickets_ : nullptr; }

 private:
  // On the stack of the job that waits.
  struct Question {
    Sign request;
    Connection* asker;
    std::span<unsigned char> signature;
    std::size_t length = 0;
    bool is_asked = false;
    bool answered = false;
  };

  void on_message(const Signature& message);
  void on_message(const TicketKeys& message);
  // In their order, as far as they may be asked now.
  void ask_the_rest();

  std::optional<Channel<Worker, Keeper>> channel_;
  std::vector<Question*> questions_;
  bool has_unasked_ = false;               // which is tried again at the end of each turn
  std::vector<std::uint32_t> unanswered_;  // by this keeper, whoever still waits
  std::deque<Connection*> line_;
  Connection* asker_ = nullptr;
  std::uint32_t last_number_ = 0;
  std::optional<TicketKeys> tickets_;
};

}  // namespace perchild
