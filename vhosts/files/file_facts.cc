#include "vhosts/files/file_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace perchild::files {
namespace {

FileStatus status_from(const struct ::stat& status) {
  return {.mode = status.st_mode,
          .owner = status.st_uid,
          .links = status.st_nlink,
          .facts = {.size = static_cast<std::uint64_t>(status.st_size),
                    .mtime = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec},
                    .ctime = {status.st_ctim.tv_sec, status.st_ctim.tv_nsec},
                    .inode = status.st_ino,
                    .device = status.st_dev}};
}

}  // namespace

FileStatus status_of(BorrowedFd fd) {
  // libc's fstat() is newfstatat with an empty path, which not every role may make: seccomp cannot
  // tell an empty path from another.
  struct ::stat status {};
  if (::syscall(SYS_fstat, fd.get(), &status) != 0) return {.error = errno};
  return status_from(status);
}

FileStatus status_at(BorrowedFd directory, const char* path) {
  struct ::stat status {};
  if (::fstatat(directory.get(), path, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
    return {.error = errno};
  }
  return status_from(status);
}

}  // namespace perchild::files
