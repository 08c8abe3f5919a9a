// What this process has computed, which other processes of the machine do not lengthen.
#pragma once

#include <time.h>

#include <chrono>

namespace perchild::test {

inline std::chrono::duration<double> processor_time() {
  ::timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace perchild::test
