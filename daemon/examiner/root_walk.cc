#include "daemon/examiner/root_walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "vhosts/files/directory.h"
#include "vhosts/files/open_beneath.h"

namespace perchild {
namespace {

using Clock = std::chrono::steady_clock;

struct Folder {
  std::string path;  // "" is the root
  bool others_come = false;
  bool groups_come = false;
};

class RootWalk {
 public:
  RootWalk(BorrowedFd root, const RootExamination& examination, const RootOwner& owner)
      : root_(root),
        examination_(examination),
        owner_(owner),
        until_(Clock::now() + std::chrono::seconds(examination.seconds)) {}

  RootReport run() {
    std::vector<Folder>& left = folders_;
    left.push_back({"", examination_.others_come, examination_.groups_come});
    while (!left.empty() && report_.end == RootReport::End::all) {
      const Folder folder = std::move(left.back());
      left.pop_back();
      look_into(folder);
    }
    return std::move(report_);
  }

 private:
  void look_into(const Folder& folder) {
    const char* const path = folder.path.empty() ? "." : folder.path.c_str();
    UniqueFd fd =
        files::open_beneath(root_, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
    if (!fd.has_value()) {
      // Its user has taken it away meanwhile, or may not look himself.
      if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR) ++report_.closed;
      return;
    }
    const BorrowedFd borrowed = fd.borrow();
    files::Directory names(std::move(fd));
    for (std::string_view name = names.next(); !name.empty(); name = names.next()) {
      if (report_.names == examination_.most_names) {
        report_.end = RootReport::End::names;
        return;
      }
      if (report_.names % names_between_looks_at_the_clock == 0 && Clock::now() > until_) {
        report_.end = RootReport::End::time;
        return;
      }
      ++report_.names;
      look_at(folder, borrowed, std::string(name));
    }
  }

  void look_at(const Folder& folder, BorrowedFd folder_fd, const std::string& name) {
    const UniqueFd fd = files::open_beneath(folder_fd, name.c_str(),
                                            O_PATH | O_NOFOLLOW | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
    struct ::stat status {};
    // Not libc's, which is another call that the filter denies: see vhosts/files/file_facts.cc.
    if (!fd.has_value() || ::syscall(SYS_fstat, fd.get(), &status) != 0) return;
    const std::string path = folder.path.empty() ? name : folder.path + "/" + name;
    FileInRoot file{.path = path,
                    .mode = status.st_mode,
                    .uid = status.st_uid,
                    .gid = status.st_gid,
                    .links = status.st_nlink,
                    .others_come = folder.others_come,
                    .groups_come = folder.groups_come};
    if (S_ISLNK(status.st_mode)) file.leads_out = leads_out(path);
    for (const Trouble trouble : troubles_of(file, owner_)) note(trouble, file);
    if (!S_ISDIR(status.st_mode)) return;
    const bool others_pass = (status.st_mode & S_IXOTH) != 0;
    folders_.push_back({path, folder.others_come && others_pass,
                        folder.groups_come && (others_pass || (status.st_mode & S_IXGRP) != 0)});
  }

  // As a worker would: what it could not follow either leads nowhere.
  bool leads_out(const std::string& path) const {
    const UniqueFd fd = files::open_beneath(root_, path.c_str(), O_PATH | O_CLOEXEC);
    return !fd.has_value() && errno == EXDEV;
  }

  void note(Trouble trouble, const FileInRoot& file) {
    RootReport::Found& found = report_.found[static_cast<std::size_t>(trouble)];
    if (++found.count > RootReport::most_examples) return;
    found.examples.push_back({std::string(file.path), file.mode, file.uid});
  }

  static constexpr std::uint64_t names_between_looks_at_the_clock = 256;

  const BorrowedFd root_;
  const RootExamination& examination_;
  const RootOwner owner_;
  const Clock::time_point until_;
  std::vector<Folder> folders_;  // to be looked into
  RootReport report_;
};

}  // namespace

RootReport walk_root(BorrowedFd root, const RootExamination& examination, const RootOwner& owner) {
  return RootWalk(root, examination, owner).run();
}

}  // namespace perchild
