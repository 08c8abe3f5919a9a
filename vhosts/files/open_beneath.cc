#include "vhosts/files/open_beneath.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace perchild::files {

UniqueFd open_beneath(BorrowedFd directory, const char* path, std::uint64_t flags,
                      std::uint64_t resolve) {
  ::open_how how{};
  how.flags = flags | O_CLOEXEC;
  // The former happens to imply the latter; openat2(2) asks callers not to count on it.
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve;
  // EAGAIN: a rename somewhere on the machine while `..` was resolved (openat2(2)), or, with
  // O_NONBLOCK, a file whose lease is being broken (fcntl(2)).
  constexpr int attempts = 8;
  int fd = -1;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    fd = static_cast<int>(::syscall(SYS_openat2, directory.get(), path, &how, sizeof how));
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return UniqueFd(fd);
}

}  // namespace perchild::files
