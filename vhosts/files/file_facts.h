// What stat(2) says of a file, as far as caching and validators need it.
#pragma once

#include <compare>
#include <cstdint>

#include "privsep/unique_fd.h"

namespace perchild::files {

// Seconds since 1970 and nanoseconds, as the file system keeps them.
struct Timestamp {
  std::int64_t sec = 0;
  std::int64_t nsec = 0;
  auto operator<=>(const Timestamp&) const = default;
};

// Two equal FileFacts mean "the same file, unchanged", provided that the ctime is old enough: see
// file_cache.h. ctime is in it because its owner can set mtime to anything, ctime he cannot.
struct FileFacts {
  std::uint64_t size = 0;
  Timestamp mtime{};
  Timestamp ctime{};
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  bool operator==(const FileFacts&) const = default;
};

struct FileStatus {
  int error = 0;           // an errno; 0: the rest holds
  std::uint32_t mode = 0;  // type and permission bits, as in inode(7)
  std::uint32_t owner = 0;
  std::uint64_t links = 0;  // names that the file has
  FileFacts facts{};
};

// One fstat(2).
[[nodiscard]] FileStatus status_of(BorrowedFd fd);
// One fstatat(2) that follows no link at the path's end. For comparing only: what is opened later
// by the same path may be another file.
[[nodiscard]] FileStatus status_at(BorrowedFd directory, const char* path);

}  // namespace perchild::files
