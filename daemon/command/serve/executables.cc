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

Result<UniqueFd> open_executable(const std::string& name) {
  std::array<char, PATH_MAX> self{};
  if (::readlink("/proc/self/exe", self.data(), self.size() - 1) < 0) {
    return failure_from_errno("readlink", "/proc/self/exe");
  }
  const std::string command = self.data();
  const std::string beside = command.substr(0, command.rfind('/') + 1) + name;
  for (const std::string& path : {beside, installed_executables + ("/" + name)}) {
    UniqueFd executable(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (executable.has_value()) return executable;
    if (errno != ENOENT) return failure_from_errno("open", path);
  }
  return failure({"find", name + " beside the command or in " + installed_executables, ENOENT});
}

}  // namespace perchild
