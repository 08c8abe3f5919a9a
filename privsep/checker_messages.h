// What is said to a checker, and by it. The rules of messages.h hold.
//
// Runs in: checker, worker, master.
// Trusts: nobody.
#pragma once

#include "privsep/messages.h"

namespace perchild {

inline constexpr std::uint32_t max_password_lists = 256;
inline constexpr std::uint32_t max_checks = 2;  // sent to a checker by one worker, not answered yet

// master → checker. The checker's end of the channel of an AttachChecker.
struct AttachWorker {
  static constexpr MessageType type = MessageType::attach_worker;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t channel;
  bool valid() const { return channel != 0; }
};

// worker → checker. Is this the password of a user of list `list`? At most max_checks at a time.
struct CheckPassword {
  static constexpr MessageType type = MessageType::check_password;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t number;  // comes back with the answer
  std::uint32_t list;    // of the site's password lists
  std::uint16_t user_length;
  std::uint16_t password_length;
  std::array<char, 128> user;
  std::array<char, 256> password;
  bool valid() const {
    return list < max_password_lists && user_length <= user.size() &&
           password_length <= password.size();
  }
};

enum class PasswordVerdict : std::uint32_t {
  wrong = 1,  // the password, or there is no such user: it is not told which
  right,
  unavailable,  // the list cannot be read
};

// checker → worker. To one CheckPassword, in the order in which they came.
struct PasswordAnswer {
  static constexpr MessageType type = MessageType::password_answer;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t number;
  PasswordVerdict verdict;
  bool valid() const {
    return verdict == PasswordVerdict::wrong || verdict == PasswordVerdict::right ||
           verdict == PasswordVerdict::unavailable;
  }
};

template <>
struct Direction<Master, Checker> {
  using Messages = std::variant<AttachWorker>;
};
template <>
struct Direction<Checker, Master> {
  using Messages = std::variant<LockDownComplete, PeerViolation>;
};
template <>
struct Direction<Worker, Checker> {
  using Messages = std::variant<CheckPassword>;
};
template <>
struct Direction<Checker, Worker> {
  using Messages = std::variant<PasswordAnswer>;
};

}  // namespace perchild
