// Descriptors under the numbers that a process finds them by.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "test/fuzz/fuzz_driver.h"

namespace perchild::fuzz {

inline void place(int fd, int number) {
  check(fd >= 0 && ::dup2(fd, number) == number, "a descriptor has its place");
  if (fd != number) ::close(fd);
}

// Free, the number would be taken by whatever is opened next.
inline void place_null(int number) {
  place(::open("/dev/null", O_RDWR | O_CLOEXEC), number);
}

}  // namespace perchild::fuzz
