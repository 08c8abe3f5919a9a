// Which descriptors this process has open, for tests that one neither leaks nor vanishes.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>

#include "privsep/unique_fd.h"

namespace perchild::test {

inline std::set<int> open_descriptors() {
  std::set<int> numbers;
  ::DIR* folder = ::opendir("/proc/self/fd");
  while (const ::dirent* entry = ::readdir(folder)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && number != ::dirfd(folder)) numbers.insert(number);
  }
  ::closedir(folder);
  return numbers;
}

// A descriptor that can be told from every other by its inode.
inline UniqueFd any_descriptor() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  ::close(ends[1]);
  return UniqueFd(ends[0]);
}

inline bool same_file(BorrowedFd a, BorrowedFd b) {
  struct ::stat of_a;
  struct ::stat of_b;
  return ::fstat(a.get(), &of_a) == 0 && ::fstat(b.get(), &of_b) == 0 &&
         of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

}  // namespace perchild::test
