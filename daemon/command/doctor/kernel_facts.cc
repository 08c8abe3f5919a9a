#include "daemon/command/doctor/kernel_facts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include "daemon/command/doctor/kernel_checks.h"
#include "privsep/landlock.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

struct EndMounts {
  void operator()(std::FILE* mounts) const { ::endmntent(mounts); }
};

// The first line of a file of the kernel's.
std::string first_line(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> text;
  const ssize_t length = file.has_value() ? ::read(file.get(), text.data(), text.size()) : -1;
  if (length <= 0) return {};
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find('\n'));
}

void look_at_proc(KernelFacts& facts) {
  const std::unique_ptr<std::FILE, EndMounts> mounts(::setmntent("/proc/self/mounts", "re"));
  while (mounts != nullptr) {
    const ::mntent* const mount = ::getmntent(mounts.get());
    if (mount == nullptr) return;
    if (std::strcmp(mount->mnt_dir, "/proc") != 0) continue;
    const char* const option = ::hasmntopt(mount, "hidepid");
    const std::string text = option != nullptr ? option : "";
    facts.hidepid = text.substr(0, text.find(','));
    if (facts.hidepid == "hidepid=0" || facts.hidepid == "hidepid=off") facts.hidepid.clear();
    facts.hidepid_has_gid = ::hasmntopt(mount, "gid") != nullptr;
  }
}

}  // namespace

KernelFacts look_at_kernel() {
  KernelFacts facts;
  for (const std::string& name : kernel_settings()) {
    std::string path = "/proc/sys/" + name;
    std::replace(path.begin() + 10, path.end(), '.', '/');
    const std::string value = first_line(path);
    if (!value.empty()) facts.settings[name] = value;
  }
  ::utsname names{};
  int major = 0, minor = 0;
  if (::uname(&names) == 0 && std::sscanf(names.release, "%d.%d", &major, &minor) == 2) {
    facts.version = major * 1000 + minor;
  }
  facts.landlock_abi = landlock_abi();
  const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  facts.has_pidfd = self.has_value();
  struct ::statfs file_system {};
  facts.has_cgroup2 = false;
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    facts.has_cgroup2 |=
        ::statfs(path, &file_system) == 0 && file_system.f_type == CGROUP2_SUPER_MAGIC;
  }
  look_at_proc(facts);
  return facts;
}

}  // namespace perchild
