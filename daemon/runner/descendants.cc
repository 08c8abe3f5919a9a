#include "daemon/runner/descendants.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <map>
#include <string>

#include "privsep/open_folder.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

struct Kin {
  ::pid_t parent = 0;
  ::pid_t group = 0;
};

// "PID (NAME) STATE PARENT GROUP ...", proc(5): in the name may be anything.
Kin kin_of(::pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> text;
  const ssize_t got = file.has_value() ? ::read(file.get(), text.data(), text.size()) : 0;
  const std::string line(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  Kin kin;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos ||
      std::sscanf(line.c_str() + name_end + 1, " %*c %d %d", &kin.parent, &kin.group) != 2) {
    return {};
  }
  return kin;
}

std::map<::pid_t, Kin> everybody() {
  std::map<::pid_t, Kin> all;
  const OpenFolder folder(::opendir("/proc"));
  if (folder == nullptr) return all;
  while (const ::dirent* const entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    ::pid_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec == std::errc() && read.ptr == name.data() + name.size()) all[pid] = kin_of(pid);
  }
  return all;
}

}  // namespace

std::vector<::pid_t> descendants_outside_group(::pid_t leader) {
  const std::map<::pid_t, Kin> all = everybody();
  std::vector<::pid_t> found;
  for (const auto& [pid, kin] : all) {
    if (kin.group == leader) continue;
    // They were not all looked at in the same moment: a circle is possible.
    auto at = all.find(pid);
    for (std::size_t steps = 0; at != all.end() && steps < all.size(); ++steps) {
      if (at->second.parent == leader) {
        found.push_back(pid);
        break;
      }
      at = all.find(at->second.parent);
    }
  }
  return found;
}

}  // namespace perchild
