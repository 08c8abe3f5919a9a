#include "test/hostile/doubles/tries.h"

#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "privsep/inherited_fds.h"
#include "test/hostile/attacks.h"

namespace perchild::test {
namespace {

constexpr int not_prepared = 255;

template <typename Prepare>
void try_attack(const std::string& what, const std::string& name, const std::string& argument,
                Prepare prepare) {
  const std::string aim = argument == "parent" ? std::to_string(::getpid()) : argument;
  const ::pid_t pid = ::fork();
  if (pid == 0) ::_exit(prepare() ? attack(name, aim) : not_prepared);
  int status = 0;
  ::waitpid(pid, &status, 0);
  const int result = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  const std::string line =
      "attack " + what + " " + name + " " + argument + ": " + std::to_string(result) + "\n";
  [[maybe_unused]] const ssize_t said = ::write(ChildFds::log, line.data(), line.size());
}

}  // namespace

void try_attacks(Role role, const LockDownPlan& plan) {
  ::sock_filter permission = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  LockDownPlan unfiltered = plan;
  unfiltered.filter = {reinterpret_cast<const char*>(&permission), sizeof permission};
  std::istringstream wanted(read_beside_executable("attacks"));
  for (std::string name, argument; wanted >> name >> argument;) {
    try_attack("unlocked", name, argument, [] { return true; });
    try_attack("unfiltered", name, argument,
               [&] { return lock_down_as(role, unfiltered).has_value(); });
    try_attack("locked", name, argument, [&] { return lock_down_as(role, plan).has_value(); });
  }
}

std::string read_beside_executable(const std::string& name) {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string whole(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  std::ifstream file(whole.substr(0, whole.rfind('/') + 1) + name);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace perchild::test
