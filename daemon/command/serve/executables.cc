#include "daemon/command/serve/executables.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace perchild {
namespace {

constexpr const char* installed_executables = "/usr/lib/perchild";

}  // namespace

Result<std::string> find_executable(const std::string& name) {
  std::array<char, PATH_MAX> self{};
  if (::readlink("/proc/self/exe", self.data(), self.size() - 1) < 0) {
    return failure_from_errno("readlink", "/proc/self/exe");
  }
  const std::string command = self.data();
  const std::string beside = command.substr(0, command.rfind('/') + 1) + name;
  for (const std::string& path : {beside, installed_executables + ("/" + name)}) {
    if (::access(path.c_str(), F_OK) == 0) return path;
    if (errno != ENOENT) return failure_from_errno("find", path);
  }
  return failure({"find", name + " beside the command or in " + installed_executables, ENOENT});
}

Result<UniqueFd> open_executable(const std::string& name) {
  const auto path = find_executable(name);
  if (!path) return failure(path.error());
  UniqueFd executable(::open(path->c_str(), O_PATH | O_CLOEXEC));
  if (!executable.has_value()) return failure_from_errno("open", *path);
  return executable;
}

}  // namespace perchild
