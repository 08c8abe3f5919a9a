// What this worker asks its site's checker, a few questions at a time; the others wait here, in the
// order in which they came, so many of one visitor and so many in all.
//
// Runs in: worker.
// Trusts: its site's checker, for what it answers. Does not trust: clients.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "daemon/worker/connection.h"
#include "policy/address_block.h"
#include "privsep/channel.h"
#include "privsep/checker_messages.h"
#include "vhosts/access/credentials.h"

namespace perchild {

// Lives in the coroutine that asks, which withdraws it if it does not wait for the answer.
struct PasswordQuestion {
  Connection& connection;  // is resumed when there is an answer
  AddressBytes visitor;
  std::uint32_t list;
  access::Credentials credentials;
  std::optional<PasswordVerdict> verdict{};
};

class PasswordChecks {
 public:
  static constexpr std::size_t most = 128;
  static constexpr std::size_t most_of_a_visitor = 4;

  // False if there are too many of them.
  [[nodiscard]] bool ask(PasswordQuestion& question);
  void withdraw(const PasswordQuestion& question);

  // For the loop. What the predecessor of this checker was asked and did not answer is asked again.
  void attach(UniqueFd channel, std::uint32_t number);
  std::optional<BorrowedFd> fd() const;
  // The number of the channel, now closed, if what came by it is no answer to any question.
  std::optional<std::uint32_t> on_readable();

 private:
  // Asked, not answered yet. The checker keeps their order.
  struct Asked {
    std::uint32_t number;
    PasswordQuestion* question;  // nullptr: nobody waits for it any more
  };

  void send_next();
  std::size_t count_of(const AddressBytes& visitor) const;

  std::optional<Channel<Worker, Checker>> channel_;
  std::uint32_t channel_number_ = 0;
  std::uint32_t last_number_ = 0;
  std::deque<PasswordQuestion*> waiting_;
  std::deque<Asked> asked_;  // at most max_checks
};

}  // namespace perchild
