// The command's part of privsep/cgroup.h.
//
// Runs in: command, as root, once.
// Trusts: the kernel's files; systemd's mark of what it delegates.
// Does not trust: the master of another service, for what the folder is that it hands over.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include "privsep/cgroup.h"
#include "privsep/open_folder.h"

namespace perchild {
namespace {

constexpr int open_directory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view prefix = "perchild-";
constexpr const char* service_group = "service";

struct NamedController {
  ControllerMask controller;
  const char* name;
};
constexpr std::array<NamedController, 4> controllers{{{cpu_controller, "cpu"},
                                                      {io_controller, "io"},
                                                      {memory_controller, "memory"},
                                                      {pids_controller, "pids"}}};

// Where the hierarchy of version 2 is: by itself, or beside those of version 1.
std::string find_mount() {
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    struct ::statfs facts;
    if (::statfs(path, &facts) == 0 && facts.f_type == CGROUP2_SUPER_MAGIC) return path;
  }
  return {};
}

// Of this process, below the mount: "/system.slice/perchild.service". Empty: in none.
std::string own_path() {
  std::ifstream lines("/proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return {};
}

// A group belongs to its maker, which is systemd unless it says otherwise.
bool is_marked_ours(const std::string& path) {
  for (const char* mark : {"user.delegate", "trusted.delegate"}) {
    char value = '0';
    if (::getxattr(path.c_str(), mark, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

bool write_file(BorrowedFd group, const char* name, const std::string& text) {
  const UniqueFd file(::openat(group.get(), name, O_WRONLY | O_CLOEXEC));
  return file.has_value() &&
         ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Hands on to the groups below what this one has; one by one, for the kernel takes all of a line or
// nothing.
ControllerMask hand_on(BorrowedFd group) {
  unsigned mask = 0;
  for (const NamedController& one : controllers) {
    if (write_file(group, "cgroup.subtree_control", std::string("+") + one.name)) {
      mask |= one.controller;
    }
  }
  return static_cast<ControllerMask>(mask);
}

OpenFolder list(BorrowedFd directory) {
  return OpenFolder(::fdopendir(::openat(directory.get(), ".", open_directory)));
}

// What an earlier service left, which cannot remove the group that it lives in.
void remove_left_over(BorrowedFd own) {
  const OpenFolder groups = list(own);
  if (!groups) return;
  while (const ::dirent* entry = ::readdir(groups.get())) {
    if (!std::string_view(entry->d_name).starts_with(prefix)) continue;
    const UniqueFd group(::openat(own.get(), entry->d_name, open_directory));
    if (!group.has_value()) continue;
    // Another service's, which lives.
    if (::unlinkat(group.get(), service_group, AT_REMOVEDIR) != 0 && errno == EBUSY) continue;
    const OpenFolder inner = list(group.borrow());
    while (const ::dirent* site = inner ? ::readdir(inner.get()) : nullptr) {
      if (site->d_type == DT_DIR) ::unlinkat(group.get(), site->d_name, AT_REMOVEDIR);
    }
    ::unlinkat(own.get(), entry->d_name, AT_REMOVEDIR);
  }
}

// The master's group may write `name` of what is root's. By an owner who is in that group, which
// chown(2) permits without CAP_CHOWN.
Result<void> open_to_group(BorrowedFd directory, const char* name, ::mode_t mode, Gid group) {
  const ::gid_t own = ::getegid();
  if (::setegid(group.value) != 0) return failure_from_errno("setegid", "for a cgroup");
  const bool is_given =
      ::fchownat(directory.get(), name, static_cast<::uid_t>(-1), group.value, 0) == 0;
  const int error = errno;
  const bool is_back = ::setegid(own) == 0;
  PERCHILD_ASSERT(is_back);
  if (!is_given) return failure({"chgrp cgroup", name, error});
  if (::fchmodat(directory.get(), name, mode, 0) != 0) {
    return failure_from_errno("chmod cgroup", name);
  }
  return {};
}

Result<UniqueFd> make_group(BorrowedFd parent, const std::string& name) {
  if (::mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
    return failure_from_errno("mkdir cgroup", name);
  }
  UniqueFd group(::openat(parent.get(), name.c_str(), open_directory));
  if (!group.has_value()) return failure_from_errno("open cgroup", name);
  return group;
}

}  // namespace

Result<DelegatedCgroup> delegate_own_cgroup(Gid master, bool root_too) {
  const std::string mount = find_mount();
  const std::string below = own_path();
  if (mount.empty() || below.empty()) return failure({"find", "cgroup v2 on this machine", 0});
  const std::string path = mount + below;
  const bool is_ours = below == "/" ? root_too : is_marked_ours(path);
  if (!is_ours) {
    return failure({"use cgroup", path + ", which is not delegated to this service", 0});
  }
  const UniqueFd own(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.has_value()) return failure_from_errno("open cgroup", path);
  return delegate_cgroup(own.borrow(), master);
}

Result<DelegatedCgroup> delegate_cgroup(BorrowedFd own, Gid master) {
  remove_left_over(own);
  auto directory = make_group(own, std::string(prefix) + std::to_string(::getpid()));
  if (!directory) return failure(directory.error());
  const auto service = make_group(directory->borrow(), service_group);
  if (!service) return failure(service.error());
  // Out of the way first: a group that hands on controllers has no processes of its own.
  if (auto joined = join_cgroup(service->borrow()); !joined) return failure(joined.error());
  hand_on(own);
  DelegatedCgroup delegated{.directory = std::move(*directory), .controllers = 0};
  delegated.controllers = hand_on(delegated.directory.borrow());
  // No more than it takes to make groups and to move processes from one to another: the limits of
  // the whole, and which controllers there are, stay root's.
  const BorrowedFd sites = delegated.directory.borrow();
  auto opened = open_to_group(sites, ".", 0775, master);
  if (opened) opened = open_to_group(sites, "cgroup.procs", 0664, master);
  if (!opened) return failure(opened.error());
  return delegated;
}

Result<void> join_service_group(BorrowedFd directory) {
  const UniqueFd service(::openat(directory.get(), service_group, open_directory));
  if (!service.has_value()) return failure_from_errno("open cgroup", service_group);
  // It comes from a master, which could have made a folder like it of its own: root writes into no
  // file but the kernel's.
  struct ::statfs facts;
  if (::fstatfs(service.get(), &facts) != 0) return failure_from_errno("fstatfs", service_group);
  if (facts.f_type != CGROUP2_SUPER_MAGIC) {
    return failure({"join cgroup", std::string(service_group) + ": it is none", 0});
  }
  return join_cgroup(service.borrow());
}

}  // namespace perchild
