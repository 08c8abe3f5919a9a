#include "daemon/command/serve/directories.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace perchild {
namespace {

Result<void> check_step(BorrowedFd folder, const std::string& path, Uid owner) {
  struct ::stat facts;
  if (::fstat(folder.get(), &facts) != 0) return failure_from_errno("fstat", path);
  if (facts.st_uid != 0 && facts.st_uid != owner.value) {
    return failure({"use folder", path + ": it belongs to uid " + std::to_string(facts.st_uid), 0});
  }
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (facts.st_mode & S_ISVTX) == 0) {
    return failure({"use folder", path + ": others may write in it", 0});
  }
  return {};
}

// Only what is otherwise, and the mode first: root without CAP_FOWNER changes no mode of a folder
// that is somebody else's.
Result<void> give(BorrowedFd folder, const std::string& path, ServiceIds owner, unsigned mode) {
  struct ::stat facts;
  if (::fstat(folder.get(), &facts) != 0) return failure_from_errno("fstat", path);
  if ((facts.st_mode & 07777) != mode && ::fchmod(folder.get(), mode) != 0) {
    return failure_from_errno("chmod", path);
  }
  const bool is_given = facts.st_uid == owner.uid.value && facts.st_gid == owner.gid.value;
  if (!is_given && ::fchown(folder.get(), owner.uid.value, owner.gid.value) != 0) {
    return failure_from_errno("chown", path);
  }
  return {};
}

}  // namespace

Result<UniqueFd> prepare_directory(const std::string& path, ServiceIds owner, unsigned mode) {
  UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.has_value()) return failure_from_errno("open", "/");
  std::size_t start = 1;
  while (start < path.size()) {
    const std::size_t slash = std::min(path.find('/', start), path.size());
    const std::string name = path.substr(start, slash - start);
    start = slash + 1;
    if (name.empty()) continue;
    if (::mkdirat(folder.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
      return failure_from_errno("mkdir", path);
    }
    // Links of root's own, such as /var/run, are followed: who else could make one here?
    UniqueFd next(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!next.has_value()) return failure_from_errno("open", path);
    folder = std::move(next);
    if (auto checked = check_step(folder.borrow(), path.substr(0, slash), owner.uid); !checked) {
      return failure(checked.error());
    }
  }
  if (auto given = give(folder.borrow(), path, owner, mode); !given) return failure(given.error());
  return folder;
}

}  // namespace perchild
