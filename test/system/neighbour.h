// b.example, visited again and again while something happens on the same machine.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "test/system/requests.h"

namespace perchild::test {

// Until it goes: and then there have been visits, each of which was served, and soon.
class Neighbour {
 public:
  explicit Neighbour(const Server& server) : port_(server.port()), visitor_([this] { visit(); }) {}
  ~Neighbour() {
    EXPECT_TRUE(eventually([this] { return visits_ > 10 || failures_ > 0; }));
    over_ = true;
    visitor_.join();
    EXPECT_EQ(failures_, 0);
    EXPECT_LT(longest_ms_, 3000);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

 private:
  void visit() {
    while (!over_) {
      const std::int64_t begun = now_ms();
      if (get(port_, "b.example").body != "of b") ++failures_;
      longest_ms_ = std::max<std::int64_t>(longest_ms_, now_ms() - begun);
      ++visits_;
      pause_briefly();
    }
  }

  const std::uint16_t port_;
  std::atomic<bool> over_ = false;
  std::atomic<int> visits_ = 0;
  std::atomic<int> failures_ = 0;
  std::atomic<std::int64_t> longest_ms_ = 0;
  std::thread visitor_;
};

}  // namespace perchild::test
