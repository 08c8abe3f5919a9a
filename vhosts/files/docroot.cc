#include "vhosts/files/docroot.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace perchild::files {
namespace {

// A path as the kernel takes it. Too long a one, or one with a NUL in it, names no file.
class CPath {
 public:
  CPath(std::string_view head, std::string_view tail) {
    if (head.size() + tail.size() >= text_.size()) return;
    if (head.find('\0') != std::string_view::npos) return;
    char* end = std::copy(head.begin(), head.end(), text_.data());
    end = std::copy(tail.begin(), tail.end(), end);
    if (end == text_.data()) *end++ = '.';
    *end = '\0';
    valid_ = true;
  }
  bool valid() const { return valid_; }
  const char* get() const { return text_.data(); }

 private:
  std::array<char, PATH_MAX> text_;
  bool valid_ = false;
};

int open_beneath(BorrowedFd directory, const char* path, std::uint64_t flags) {
  ::open_how how{};
  how.flags = flags | O_CLOEXEC;
  // The former happens to imply the latter; openat2(2) asks callers not to count on it.
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: a rename somewhere on the machine while `..` was resolved (openat2(2)), or, with
  // O_NONBLOCK, a file whose lease is being broken (fcntl(2)).
  constexpr int attempts = 8;
  int fd = -1;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    fd = static_cast<int>(::syscall(SYS_openat2, directory.get(), path, &how, sizeof how));
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return fd;
}

Opened failed(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return {.kind = Kind::not_found};
    case EACCES:
    case EPERM:
    case ELOOP:
    case EXDEV:
      return {.kind = Kind::forbidden};
    case ENXIO:  // a socket, or a device without its driver
    case ENODEV:
      return {.kind = Kind::special};
    default:
      return {.kind = Kind::error, .error = error};
  }
}

Opened open_path(BorrowedFd root, const CPath& path) {
  if (!path.valid()) return {.kind = Kind::not_found};
  // O_NONBLOCK stays set on what is served: on a regular file it does nothing.
  UniqueFd fd(open_beneath(root, path.get(), O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd.has_value()) {
    if (errno != EACCES) return failed(errno);
    // A directory of mode 0711 can be entered but not read. It is a directory all the same.
    const UniqueFd entered(open_beneath(root, path.get(), O_PATH | O_DIRECTORY));
    return {.kind = entered.has_value() ? Kind::directory : Kind::forbidden};
  }
  const FileStatus status = status_of(fd.borrow());
  if (status.error != 0) return {.kind = Kind::error, .error = status.error};
  if (S_ISDIR(status.mode)) return {.kind = Kind::directory};
  if (!S_ISREG(status.mode)) return {.kind = Kind::special};
  return {.kind = Kind::file, .fd = std::move(fd), .facts = status.facts};
}

}  // namespace

Result<Docroot> Docroot::at(const std::string& path) {
  ::open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (!fd.has_value()) return failure_from_errno("open", path);
  return Docroot(std::move(fd));
}

Opened Docroot::open(std::string_view path) const {
  return open_path(directory_.borrow(), CPath(path, {}));
}

Resolved Docroot::resolve(std::string_view path, std::span<const std::string> index) const {
  if (!path.empty() && path.back() != '/') return {.opened = open(path)};
  // The names come first: a directory that has an index need not be readable itself.
  for (std::size_t i = 0; i < index.size(); ++i) {
    Opened opened = open_path(directory_.borrow(), CPath(path, index[i]));
    if (opened.kind == Kind::not_found || opened.kind == Kind::directory) continue;
    return {.opened = std::move(opened), .index = i};
  }
  return {.opened = open(path)};
}

}  // namespace perchild::files
