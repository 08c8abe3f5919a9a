#include "daemon/command/doctor/path_facts.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "privsep/open_folder.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

constexpr int most_links = 40;  // as the kernel follows

// The parts of `path`, the last one at the front.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end > start && path.compare(start, end - start, ".") != 0) {
      parts.push_back(path.substr(start, end - start));
    }
    start = end + 1;
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::string child_of(const std::string& folder, const std::string& name) {
  if (name == "..") return folder.substr(0, std::max<std::size_t>(folder.rfind('/'), 1));
  return (folder == "/" ? "" : folder) + "/" + name;
}

}  // namespace

PathFacts look_along(const std::string& path) {
  PathFacts facts;
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  PathStep step{"/"};
  if (!root.has_value() || ::fstat(root.get(), &step.status) != 0) {
    facts.error = errno;
    return facts;
  }
  facts.steps.push_back(step);
  UniqueFd folder(::dup(root.get()));
  std::string folder_path = "/";
  std::vector<std::string> left = parts_of(path);
  for (int links = 0; !left.empty();) {
    const std::string name = left.back();
    left.pop_back();
    UniqueFd next(::openat(folder.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    step.path = child_of(folder_path, name);
    if (!next.has_value() || ::fstat(next.get(), &step.status) != 0) {
      facts.error = errno;
      return facts;
    }
    if (name != "..") facts.steps.push_back(step);
    if (!S_ISLNK(step.status.st_mode)) {
      folder = std::move(next);
      folder_path = step.path;
      continue;
    }
    std::array<char, PATH_MAX> target{};
    if (::readlinkat(next.get(), "", target.data(), target.size() - 1) < 0 ||
        ++links > most_links) {
      facts.error = links > most_links ? ELOOP : errno;
      return facts;
    }
    const std::vector<std::string> more = parts_of(target.data());
    left.insert(left.end(), more.begin(), more.end());
    if (target.front() != '/') continue;
    folder = UniqueFd(::dup(root.get()));
    folder_path = "/";
  }
  return facts;
}

std::vector<FolderEntry> look_into(const std::string& folder, std::size_t most) {
  std::vector<FolderEntry> entries;
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.has_value()) return entries;
  const OpenFolder stream(::fdopendir(::dup(fd.get())));
  while (stream != nullptr && entries.size() < most) {
    const ::dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    FolderEntry found{entry->d_name};
    if (found.name == "." || found.name == "..") continue;
    if (::fstatat(fd.get(), entry->d_name, &found.status, AT_SYMLINK_NOFOLLOW) == 0) {
      entries.push_back(std::move(found));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace perchild
