// In place of perchild-master: tries, with all that a master holds between its exec and its
// lock-down, and without any filter, what one that has been taken over would. Then it locks itself
// down for real, says that it is ready, and waits to be told to stop.
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "privsep/inherited_fds.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"
#include "test/hostile/attacks.h"

namespace perchild::test {
namespace {

void say(const std::string& line) {
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
}

std::string own_folder() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string whole(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  return whole.substr(0, whole.rfind('/'));
}

// In a process of its own, so that one that works does not spoil the next.
void try_attack(const std::string& name, const std::string& argument) {
  const ::pid_t pid = ::fork();
  if (pid == 0) ::_exit(attack(name, argument));
  int status = 0;
  ::waitpid(pid, &status, 0);
  const int result = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  say("attack " + name + " " + argument + ": " + std::to_string(result) + "\n");
}

int run() {
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  const std::string folder = own_folder();
  // "name argument" in each line, relative paths meaning this folder.
  const std::pair<const char*, std::string> attempts[] = {
      {"become", "0"},
      {"become", "1000"},
      {"become", "65534"},
      {"become", "20001"},
      {"join_group", "0"},
      {"join_group", "6"},
      {"join_group", "20001"},
      {"execute_setuid", folder + "/setuid-id"},
      {"read", folder + "/secret"},
      {"read", "/etc/shadow"},
      {"read_by_chroot", folder + "/secret"},
      {"read_by_nested_namespace", folder + "/secret"},
      {"open_by_handle", folder + "/secret"},
      {"read_back", std::to_string(MasterFds::keys)},
      {"write", folder + "/perchild"},
      {"make", folder + "/made"},
      {"make_setuid_root", folder + "/mine"},
      {"mount", folder},
      {"enter_first_namespace", "-"},
      {"bind", "1"},
      {"set_host_name", "-"},
      {"signal", "1"},
      {"attach", "1"},
      {"read_memory", "1"},
      {"take_descriptor", "1"},
  };
  for (const auto& [name, argument] : attempts) try_attack(name, argument);
  const auto filter = SealedMapping::map(BorrowedFd(MasterFds::master_filter));
  if (!filter) return 3;
  if (const auto proof = lock_down<Role::master>({.filter = filter->bytes()}); !proof) {
    say("perchild: " + proof.error().text() + "\n");
    return 3;
  }
  say("perchild: ready\n");
  ::pollfd polled{signals.get(), POLLIN, 0};
  ::ppoll(&polled, 1, nullptr, nullptr);
  return 0;
}

}  // namespace
}  // namespace perchild::test

int main() {
  ::prctl(PR_SET_NAME, "perchild-master");
  return perchild::test::run();
}
