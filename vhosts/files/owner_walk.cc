#include "vhosts/files/owner_walk.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "vhosts/files/file_facts.h"
#include "vhosts/files/open_beneath.h"

namespace perchild::files {
namespace {

constexpr std::size_t most_links = 40;  // as the kernel's own MAXSYMLINKS
constexpr std::size_t deepest = 64;     // folders, each an open descriptor

class OwnerWalk {
 public:
  OwnerWalk(BorrowedFd root, std::string_view path) : root_(root), rest_(path) {}

  UniqueFd open(std::uint64_t flags) {
    const FileStatus root = status_of(root_);
    if (root.error != 0) return failed(root.error);
    root_owner_ = current_owner_ = root.owner;
    for (;;) {
      rest_.erase(0, std::min(rest_.find_first_not_of('/'), rest_.size()));
      if (!finish_links()) return failed(EACCES);
      if (file_.has_value()) return std::move(file_);
      if (rest_.empty()) return open_beneath(here(), ".", O_PATH | O_DIRECTORY, no_links);
      if (const int error = step(take_name(), flags); error != 0) return failed(error);
    }
  }

 private:
  static constexpr std::uint64_t no_links = RESOLVE_NO_SYMLINKS;

  struct Folder {
    UniqueFd fd;
    std::uint32_t owner;
  };
  // A link whose target is being walked to: it is reached when no more than `left` bytes are.
  struct Link {
    std::uint32_t owner;
    std::size_t left;
  };

  static UniqueFd failed(int error) {
    errno = error;
    return {};
  }

  BorrowedFd here() const { return folders_.empty() ? root_ : folders_.back().fd.borrow(); }

  std::string take_name() {
    const std::size_t end = std::min(rest_.find('/'), rest_.size());
    std::string name = rest_.substr(0, end);
    rest_.erase(0, end);
    return name;
  }

  // Of the links whose targets have been reached, whether each has its target's owner.
  bool finish_links() {
    while (!links_.empty() && rest_.size() <= links_.back().left) {
      if (links_.back().owner != current_owner_) return false;
      links_.pop_back();
    }
    return true;
  }

  // One name further. An errno, or 0.
  int step(const std::string& name, std::uint64_t flags) {
    if (name == ".") return 0;
    if (name == "..") return leave();
    UniqueFd fd = open_beneath(here(), name.c_str(), O_PATH | O_NOFOLLOW, no_links);
    if (!fd.has_value()) return errno;
    const FileStatus status = status_of(fd.borrow());
    if (status.error != 0) return status.error;
    if (S_ISLNK(status.mode)) return follow(fd.borrow(), status.owner);
    if (S_ISDIR(status.mode)) return enter(std::move(fd), status.owner);
    return rest_.empty() ? open_file(name, flags) : ENOTDIR;
  }

  int leave() {
    if (folders_.empty()) return EXDEV;
    folders_.pop_back();
    current_owner_ = folders_.empty() ? root_owner_ : folders_.back().owner;
    return 0;
  }

  int enter(UniqueFd fd, std::uint32_t owner) {
    if (folders_.size() == deepest) return ELOOP;
    folders_.push_back({std::move(fd), owner});
    current_owner_ = owner;
    return 0;
  }

  int follow(BorrowedFd link, std::uint32_t owner) {
    if (++followed_ > most_links) return ELOOP;
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlinkat(link.get(), "", target.data(), target.size());
    if (length < 0) return errno;
    const std::string_view text(target.data(), static_cast<std::size_t>(length));
    if (text.starts_with('/')) return EXDEV;
    if (text.size() + rest_.size() >= PATH_MAX) return ENAMETOOLONG;
    // Of what follows the link, without the slashes that the walk skips.
    const std::size_t left = rest_.size() - std::min(rest_.find_first_not_of('/'), rest_.size());
    links_.push_back({owner, left});
    rest_.insert(0, text);
    return 0;
  }

  int open_file(const std::string& name, std::uint64_t flags) {
    file_ = open_beneath(here(), name.c_str(), flags | O_NOFOLLOW, no_links);
    if (!file_.has_value()) return errno;
    // Of what is open now, whatever the name meant a moment ago.
    const FileStatus status = status_of(file_.borrow());
    current_owner_ = status.owner;
    return status.error;
  }

  BorrowedFd root_;
  std::string rest_;
  std::vector<Folder> folders_;
  std::vector<Link> links_;
  UniqueFd file_;
  std::uint32_t root_owner_ = 0;
  std::uint32_t current_owner_ = 0;  // of what the walk has come to
  std::size_t followed_ = 0;
};

}  // namespace

UniqueFd open_owner_matched(BorrowedFd root, std::string_view path, std::uint64_t flags) {
  return OwnerWalk(root, path).open(flags);
}

}  // namespace perchild::files
