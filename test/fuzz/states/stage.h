// A loop of a process as a state machine: it runs as it is, in this process, and what the kernel
// would tell it is played here. Wherever it waits, a step of the input is played when it has heard
// all that the steps before had for it, so that what follows a step is that step's.
//
// What stands in the kernel's place (waits, the clock, the lock-down) is put there by the linker:
// perchild_state_fuzzer() in CMakeLists.txt.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "vhosts/deadline_list.h"

namespace perchild::fuzz {

// The input, byte by byte; zeros behind its end.
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  bool over() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const std::uint8_t first = left_.front();
    left_ = left_.subspan(1);
    return first;
  }
  std::uint8_t below(std::size_t limit) { return static_cast<std::uint8_t>(byte() % limit); }
  // A small number by one byte; the largest, and others, by more.
  std::uint32_t number() {
    const std::uint8_t first = byte();
    if (first < 0xf0) return first;
    if (first == 0xff) return UINT32_MAX;
    std::uint32_t all = 0;
    for (int i = 0; i < 4; ++i) all = all << 8 | byte();
    return all;
  }

 private:
  std::span<const std::uint8_t> left_;
};

class Stage {
 public:
  Stage();
  virtual ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Clock::time_point now() const { return now_; }
  // For a step: before the next one.
  void let_pass(Clock::duration time) {
    to_pass_ = time;
    least_sleep_ = time / 50;
  }

  // Where the loop waits. `poll` asks the kernel, without waiting.
  int wait(const std::function<int()>& poll, std::optional<Clock::duration> timeout);
  static Stage& current();

 protected:
  // What the step before has led to is there. Then plays the next step, or one that makes the loop
  // end if there is none.
  virtual void on_quiet() = 0;

 private:
  Clock::time_point now_{std::chrono::hours(1000)};
  Clock::duration to_pass_{}, least_sleep_{};
  int turns_ = 0;   // of the loop, since the last step
  int at_end_ = 0;  // steps
};

// The driver's: one run. As many descriptors are open behind it as before.
void play(Script script);

}  // namespace perchild::fuzz
