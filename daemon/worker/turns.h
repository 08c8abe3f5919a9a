// Whose turn it is, among sessions that gave way to others in the middle of what they do.
//
// Runs in: worker.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace perchild {

class Turns {
 public:
  using Session = std::uint32_t;  // Connection::index()

  bool empty() const { return short_.empty() && long_.empty(); }

  // What takes no time to speak of: all go on in the loop's next turn.
  void add_short(Session session) { short_.push_back(session); }
  std::vector<Session> take_short() { return std::exchange(short_, {}); }

  // What takes about a millisecond, as a piece to be encoded: only one goes on in a turn of the
  // loop, so that no visitor waits for all of them. The same one a few times in a row, since what
  // an encoder works on is as large as a processor's cache.
  void add_long(Session session) {
    if (session == current_ && ++in_a_row_ < most_in_a_row) return long_.push_front(session);
    if (session == current_) in_a_row_ = 0;
    long_.push_back(session);
  }
  std::optional<Session> take_long() {
    if (long_.empty()) return std::nullopt;
    const Session next = long_.front();
    long_.pop_front();
    if (current_ != next) in_a_row_ = 0;
    current_ = next;
    return next;
  }

  static constexpr int most_in_a_row = 16;

 private:
  std::vector<Session> short_;
  std::deque<Session> long_;
  std::optional<Session> current_;  // of the long ones
  int in_a_row_ = 0;
};

}  // namespace perchild
