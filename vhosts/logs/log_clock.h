// The time as log lines show it, in the machine's zone, formatted once a second.
#pragma once

#include <array>
#include <ctime>
#include <string_view>

namespace perchild::logs {

class LogClock {
 public:
  // Reads the zone's rules (TZ, else /etc/localtime), which needs files: before the lock-down. From
  // then on nothing is opened, changes to and from summer time included. UTC if there are none.
  static void load();

  explicit LogClock(::time_t now) { format(now); }

  // Once a loop turn; cheap while the second is the same.
  void update(::time_t now) {
    if (now != now_) format(now);
  }

  ::time_t now() const { return now_; }
  std::string_view combined() const { return {combined_.data(), combined_.size()}; }
  std::string_view iso() const { return {iso_.data(), iso_.size()}; }

 private:
  void format(::time_t now);

  ::time_t now_ = 0;
  std::array<char, 26> combined_;  // "24/Nov/2026:03:00:00 +0000"
  std::array<char, 25> iso_;       // "2026-11-24T03:00:00+00:00"
};

}  // namespace perchild::logs
