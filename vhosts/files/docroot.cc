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

#include "vhosts/files/open_beneath.h"
#include "vhosts/files/owner_walk.h"

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

// O_NONBLOCK stays set on what is served: on a regular file it does nothing.
constexpr std::uint64_t for_reading = O_RDONLY | O_NONBLOCK | O_NOCTTY;

// Opened with errno as it is where there is no value.
UniqueFd open_by_rule(BorrowedFd root, const CPath& path, std::uint64_t flags, Symlinks symlinks) {
  if (symlinks == Symlinks::beneath) return open_beneath(root, path.get(), flags);
  UniqueFd fd = open_beneath(root, path.get(), flags, RESOLVE_NO_SYMLINKS);
  if (symlinks == Symlinks::none || fd.has_value() || errno != ELOOP) return fd;
  return open_owner_matched(root, path.get(), flags);
}

// What has been opened, if it may be served.
Opened judge(UniqueFd fd, Symlinks symlinks, std::uint32_t site_owner) {
  const FileStatus status = status_of(fd.borrow());
  if (status.error != 0) return {.kind = Kind::error, .error = status.error};
  if (S_ISDIR(status.mode)) return {.kind = Kind::directory, .facts = status.facts};
  if (S_ISLNK(status.mode)) return {.kind = Kind::forbidden};  // put there a moment ago
  if (!S_ISREG(status.mode)) return {.kind = Kind::special};
  const bool is_linked_strange = status.links > 1 && status.owner != site_owner;
  if (symlinks != Symlinks::beneath && is_linked_strange) return {.kind = Kind::forbidden};
  return {.kind = Kind::file, .fd = std::move(fd), .facts = status.facts};
}

Opened open_path(BorrowedFd root, const CPath& path, Symlinks symlinks, std::uint32_t site_owner) {
  if (!path.valid()) return {.kind = Kind::not_found};
  UniqueFd fd = open_by_rule(root, path, for_reading, symlinks);
  if (!fd.has_value()) {
    if (errno != EACCES) return failed(errno);
    // A directory of mode 0711 can be entered but not read. It is a directory all the same.
    const std::uint64_t links = symlinks == Symlinks::beneath ? 0 : RESOLVE_NO_SYMLINKS;
    const UniqueFd entered = open_beneath(root, path.get(), O_PATH | O_DIRECTORY, links);
    return {.kind = entered.has_value() ? Kind::directory : Kind::forbidden};
  }
  return judge(std::move(fd), symlinks, site_owner);
}

bool is_of(const FileFacts& facts, const FileStatus& status) {
  return status.error == 0 && S_ISREG(status.mode) && status.facts == facts;
}

}  // namespace

Result<Docroot> Docroot::at(const std::string& path) {
  ::open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (!fd.has_value()) return failure_from_errno("open", path);
  return Docroot(std::move(fd));
}

Opened Docroot::open(std::string_view path, Symlinks symlinks) const {
  return open_path(directory_.borrow(), CPath(path, {}), symlinks, owner_);
}

Opened Docroot::look_at(std::string_view path, Symlinks symlinks) const {
  const CPath name(path, {});
  if (!name.valid()) return {.kind = Kind::not_found};
  UniqueFd fd = open_by_rule(directory_.borrow(), name, O_PATH, symlinks);
  if (!fd.has_value()) return failed(errno);
  Opened seen = judge(std::move(fd), symlinks, owner_);
  seen.fd.reset();
  return seen;
}

UniqueFd Docroot::open_directory(std::string_view path, Symlinks symlinks) const {
  const CPath name(path, {});
  if (!name.valid()) {
    errno = ENOENT;
    return {};
  }
  // In two steps: whose owner is asked for is opened as a place only.
  const UniqueFd place = open_by_rule(directory_.borrow(), name, O_PATH | O_DIRECTORY, symlinks);
  if (!place.has_value()) return {};
  return open_beneath(place.borrow(), ".", O_RDONLY | O_DIRECTORY);
}

Resolved Docroot::resolve(std::string_view path, const FileRules& rules) const {
  if (!path.empty() && path.back() != '/') return {.opened = open(path, rules.symlinks)};
  // The names come first: a directory that has an index need not be readable itself.
  for (std::size_t i = 0; i < rules.index.size(); ++i) {
    Opened opened =
        open_path(directory_.borrow(), CPath(path, rules.index[i]), rules.symlinks, owner_);
    if (opened.kind == Kind::not_found || opened.kind == Kind::directory) continue;
    return {.opened = std::move(opened), .index = i};
  }
  return {.opened = open(path, rules.symlinks)};
}

// Whatever way leads to the file, its ctime says that who may read it, whose it is and how many
// names it has are as they were when it was opened and permitted. Only where a site says which
// links may be on the way, the way counts as well.
bool Docroot::still_resolves(std::string_view path, const FileRules& rules, std::size_t index,
                             const FileFacts& facts) const {
  if (rules.symlinks != Symlinks::beneath && path.find('/') != path.npos) return false;
  const auto status_below = [&](std::string_view tail) {
    const CPath name(path, tail);
    return name.valid() ? status_at(directory_.borrow(), name.get()) : FileStatus{.error = ENOENT};
  };
  if (index == no_index) return is_of(facts, status_below({}));
  for (const std::string& earlier : rules.index.first(index)) {
    if (status_below(earlier).error != ENOENT) return false;
  }
  return is_of(facts, status_below(rules.index[index]));
}

}  // namespace perchild::files
