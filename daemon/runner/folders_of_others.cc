#include "daemon/runner/folders_of_others.h"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "privsep/open_folder.h"

namespace perchild {
namespace {

constexpr std::string_view systems_own[] = {"bin",   "dev",    "etc", "lib",  "lib32",
                                            "lib64", "libx32", "opt", "proc", "run",
                                            "sbin",  "sys",    "tmp", "usr",  "var"};
constexpr std::string_view systems_own_in_var[] = {
    "backups", "cache", "lib", "local", "lock", "log", "mail", "opt", "run", "spool", "tmp"};

// Not links: what they lead to has another name as well.
void append_others_in(const std::string& parent, std::span<const std::string_view> known,
                      std::vector<std::string>& to) {
  const OpenFolder folder(::opendir(parent.c_str()));
  if (folder == nullptr) return;
  while (const ::dirent* const entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    const std::string path = parent + std::string(name);
    struct ::stat status;
    if (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) to.push_back(path);
  }
}

bool is_within(const std::string& path, const std::string& folder) {
  return path == folder || folder == "/" || path.starts_with(folder + "/");
}

}  // namespace

std::vector<std::string> folders_of_others(std::span<const std::string> used) {
  std::vector<std::string> all;
  append_others_in("/", systems_own, all);
  append_others_in("/var/", systems_own_in_var, all);
  std::erase_if(all, [&](const std::string& folder) {
    return std::any_of(used.begin(), used.end(),
                       [&](const std::string& one) { return is_within(folder, one); });
  });
  return all;
}

}  // namespace perchild
