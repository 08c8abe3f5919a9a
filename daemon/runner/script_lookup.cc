#include "daemon/runner/script_lookup.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace perchild {
namespace {

UniqueFd open_one(BorrowedFd folder, const std::string& name, std::uint64_t flags) {
  ::open_how how{};
  how.flags = O_PATH | O_CLOEXEC | flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, folder.get(), name.c_str(), &how, sizeof how)));
}

bool writable_for_others(const struct ::stat& status) {
  return (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

FoundScript refused(NotAcquiredReason reason, std::string complaint) {
  return {
      .folder = UniqueFd(), .command = {}, .refusal = reason, .complaint = std::move(complaint)};
}

FoundScript not_opened(const std::string& path) {
  const bool missing = errno == ENOENT || errno == ENOTDIR;
  const NotAcquiredReason reason =
      missing ? NotAcquiredReason::not_found : NotAcquiredReason::forbidden;
  return refused(reason, path + ": " + std::strerror(errno));
}

FoundScript forbidden(const std::string& path, const char* what) {
  return refused(NotAcquiredReason::forbidden, path + " " + what);
}

}  // namespace

FoundScript find_script(BorrowedFd root, const std::string& path, ::uid_t owner) {
  UniqueFd folder = open_one(root, ".", O_DIRECTORY);
  if (!folder.has_value()) return not_opened("the docroot");
  std::size_t start = 0;
  struct ::stat status;
  for (std::size_t end; (end = path.find('/', start)) != std::string::npos; start = end + 1) {
    const std::string walked = path.substr(0, end);
    UniqueFd next = open_one(folder.borrow(), path.substr(start, end - start), O_DIRECTORY);
    if (!next.has_value() || ::fstat(next.get(), &status) != 0) return not_opened(walked);
    if (status.st_uid != owner) return forbidden(walked, "is not a folder of the site's user");
    if (writable_for_others(status)) return forbidden(walked, "may be written by others");
    folder = std::move(next);
  }
  const std::string name = path.substr(start);
  if (::fstat(folder.get(), &status) != 0) return not_opened(path);
  if (writable_for_others(status)) return forbidden(path, "lies in a folder that others may write");
  const UniqueFd file = open_one(folder.borrow(), name, O_NOFOLLOW);
  if (!file.has_value() || ::fstat(file.get(), &status) != 0) return not_opened(path);
  if (!S_ISREG(status.st_mode)) return forbidden(path, "is no regular file");
  if (status.st_uid != owner) return forbidden(path, "is not a file of the site's user");
  if ((status.st_mode & S_IXUSR) == 0) return forbidden(path, "is not executable");
  if (writable_for_others(status)) return forbidden(path, "may be written by others");
  return {.folder = std::move(folder), .command = "./" + name};
}

}  // namespace perchild
