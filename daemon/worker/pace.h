// The least that a client must do for its connection while the server waits for it.
//
// Runs in: worker.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "daemon/worker/connection.h"

namespace perchild {

// Time is cut into periods, and in each of them some bytes must have moved: one at least, and more
// where there is a minimum rate. So the kernel's buffers, which take megabytes at once and free
// room by thirds, neither hide a client that has stopped nor make a slow one look so.
class Pace {
 public:
  // `per_second`: bytes; 0 for no minimum but the one byte.
  Pace(std::chrono::milliseconds period, std::uint64_t per_second)
      : least_(std::max<std::uint64_t>(
            1, per_second * static_cast<std::uint64_t>(period.count()) / 1000)) {}

  // Before each wait: begins a period where none runs. `moved()` is the number of bytes so far.
  template <typename Moved>
  Wait::Deadline begin(Moved moved) {
    if (runs_) return Wait::Deadline::kept;
    runs_ = true;
    at_begin_ = moved();
    return Wait::Deadline::anew;
  }

  // At the end of a period.
  [[nodiscard]] bool is_kept(std::uint64_t moved) {
    runs_ = false;
    return moved - at_begin_ >= least_;
  }

  // Ends a period that was not the client's to use.
  void drop_period() { runs_ = false; }

 private:
  std::uint64_t least_;
  std::uint64_t at_begin_ = 0;
  bool runs_ = false;
};

}  // namespace perchild
