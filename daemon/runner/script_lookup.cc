#include "daemon/runner/script_lookup.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

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

// What its first line names, of an executable of any other kind nothing. As the kernel reads it:
// a CR is a character like others (execve(2), "Interpreter scripts").
std::string interpreter_of(const FoundScript& script) {
  constexpr std::size_t longest_line = 256;  // BINPRM_BUF_SIZE
  // Its owner may have put something else in its place meanwhile: nothing to wait for.
  const UniqueFd file(::openat(script.folder.get(), script.command.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  char bytes[longest_line];
  const ssize_t got = file.has_value() ? ::read(file.get(), bytes, sizeof bytes) : 0;
  std::string_view line(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
  if (!line.starts_with("#!")) return {};
  line.remove_prefix(2);
  line = line.substr(0, line.find('\n'));
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

}  // namespace

FoundScript find_script(BorrowedFd root, const std::string& path, ::uid_t owner, ::gid_t group) {
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
  if (status.st_gid != group) return forbidden(path, "is not a file of the site's group");
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) return forbidden(path, "is set-uid or set-gid");
  if ((status.st_mode & S_IXUSR) == 0) return forbidden(path, "is not executable");
  if (writable_for_others(status)) return forbidden(path, "may be written by others");
  return {.folder = std::move(folder), .command = "./" + name};
}

std::string why_not_run(const FoundScript& script, int error) {
  switch (error) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ETXTBSY:
    case EIO:
      return {};
    case ENOEXEC:
      return "it is no program, and its first line names no interpreter after a #!";
    case ENOENT: {
      std::string interpreter = interpreter_of(script);
      if (interpreter.empty()) return "its dynamic loader is missing";
      if (!interpreter.ends_with('\r')) return "its interpreter is missing: " + interpreter;
      interpreter.pop_back();
      return "its first line ends in CR LF, and so there is no such interpreter: " + interpreter;
    }
    default:
      return std::strerror(error);
  }
}

}  // namespace perchild
