#include "daemon/master/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace perchild {

Result<UniqueFd> open_log_file(BorrowedFd directory, const std::string& site, LogKind kind) {
  const std::string name = site + (kind == LogKind::access ? ".access.log" : ".error.log");
  // NONBLOCK: a FIFO in its place fails at once instead of waiting for a reader.
  UniqueFd file(::openat(directory.get(), name.c_str(),
                         O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                         0640));
  if (!file.has_value()) return failure_from_errno("open log", name);
  struct ::stat facts;
  if (::fstat(file.get(), &facts) != 0) return failure_from_errno("fstat", name);
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1 || facts.st_uid != ::geteuid()) {
    return failure({"open log", name + ", which is not a file of ours alone", 0});
  }
  return file;
}

}  // namespace perchild
