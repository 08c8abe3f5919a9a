#include "privsep/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/privsep/descriptors.h"
#include "test/privsep/service_namespace.h"
#include "test/support/in_child.h"

namespace perchild::test::spawn_test {
namespace {

UniqueFd shell() {
  return UniqueFd(::open("/bin/sh", O_PATH | O_CLOEXEC));
}

// Reads what `script`, given to a spawned shell as its standard input, prints.
std::string output_of(const std::string& script, const std::vector<std::string>& environment = {},
                      int* status = nullptr) {
  const TemporaryDirectory folder;
  const UniqueFd in(::open(folder.write("script", script).c_str(), O_RDONLY | O_CLOEXEC));
  const std::string result = folder.write("out", "", 0666);
  const UniqueFd out(::open(result.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const UniqueFd program = shell();
  // A process to give up its own ids and to be the parent, as the master is.
  const ChildEnd end = in_child([&] {
    if (!become_master()) return 90;
    const auto spawned = spawn({.role = Role::worker,
                                .identity = {Uid{uid_a}, Gid{uid_a}, {Gid{uid_b}}},
                                .executable = program.borrow(),
                                .title = "perchild-test title",
                                .fds = {{in.borrow(), 0}, {out.borrow(), 1}, {out.borrow(), 2}},
                                .environment = environment});
    if (!spawned) return 91;
    int status_of_child = 0;
    ::waitpid(spawned->pid, &status_of_child, 0);
    return WIFEXITED(status_of_child) ? WEXITSTATUS(status_of_child) : 92;
  });
  if (status != nullptr) *status = end.status;
  return read_file(result);
}

TEST(Spawn, TheChildHasTheIdsAndGroupsThatItWasGiven) {
  EXPECT_EQ(output_of("id -u; id -ru; id -g; id -rg; id -G\n"),
            "20001\n20001\n20001\n20001\n20001 20002\n");
}

TEST(Spawn, TheChildFindsItsDescriptorsAndNoOthers) {
  const UniqueFd leaked = any_descriptor();
  const int inheritable = ::dup(leaked.get());  // not close-on-exec
  const std::string listed = output_of("cd /proc/$$/fd && echo *\n");
  ::close(inheritable);
  ASSERT_GT(inheritable, 3);
  EXPECT_EQ(listed, "0 1 2 3\n");  // 3 is what it lists the folder by
}

TEST(Spawn, TheSameDescriptorIsInheritedWithoutIt) {
  const UniqueFd leaked = any_descriptor();
  const int inheritable = ::dup(leaked.get());
  const std::string command = "test -e /proc/self/fd/" + std::to_string(inheritable);
  const int found = std::system(command.c_str());
  ::close(inheritable);
  EXPECT_EQ(found, 0);
}

TEST(Spawn, TheEnvironmentIsWhatWasGivenAndNothingElse) {
  ASSERT_EQ(::setenv("PERCHILD_TEST_SECRET", "leaked", 1), 0);
  const std::string seen = output_of("tr '\\0' '\\n' < /proc/$$/environ\n", {"ONE=1", "TWO=2"});
  ::unsetenv("PERCHILD_TEST_SECRET");
  EXPECT_EQ(seen, "ONE=1\nTWO=2\n");
}

TEST(Spawn, TheTitleIsArgumentZeroAndThereAreNoOthers) {
  EXPECT_EQ(output_of("tr '\\0' '|' < /proc/$$/cmdline\n"), "perchild-test title|");
}

TEST(Spawn, TheChildHoldsTheCapabilitiesAtExecAndNoBoundingSet) {
  const std::string status = output_of("grep ^Cap /proc/$$/status\n");
  EXPECT_NE(status.find("CapBnd:\t0000000000000000"), std::string::npos) << status;
  EXPECT_NE(status.find("CapEff:\t0000000000040000"), std::string::npos) << status;
}

TEST(Spawn, SignalsAreAsAtTheBeginning) {
  const ChildEnd end = in_child([] {
    ::signal(SIGHUP, SIG_IGN);
    ::sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    const std::string status = output_of("exec grep -E '^Sig(Blk|Ign)' /proc/self/status\n");
    return status == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" ? 0 : 1;
  });
  EXPECT_EQ(end.status, 0);
}

TEST(Spawn, AChildThatCannotTakeItsIdsExits127WithoutAnExec) {
  const UniqueFd program = shell();
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto spawn_as = [&](Uid uid) {
    return in_child([&] {
             if (!become_master()) return 90;
             ::dup2(null.get(), STDERR_FILENO);
             const auto spawned = spawn({.role = Role::worker,
                                         .identity = {uid, Gid{uid_a}, {}},
                                         .executable = program.borrow(),
                                         .title = "test",
                                         .fds = {{null.borrow(), 0}}});
             int status = 0;
             ::waitpid(spawned->pid, &status, 0);
             return WIFEXITED(status) ? WEXITSTATUS(status) : 91;
           })
        .status;
  };
  EXPECT_EQ(spawn_as(Uid{uid_a}), 0);
  EXPECT_EQ(spawn_as(Uid{0}), 127);
  EXPECT_EQ(spawn_as(Uid{1000}), 127);
}

TEST(PlaceFds, PutsEachWhereItBelongsEvenIfAnotherStandsThere) {
  EXPECT_EQ(in_child([] {
              const UniqueFd a = any_descriptor();
              const UniqueFd b = any_descriptor();
              const UniqueFd copy_a(::fcntl(a.get(), F_DUPFD_CLOEXEC, 500));
              const UniqueFd copy_b(::fcntl(b.get(), F_DUPFD_CLOEXEC, 500));
              // Crosswise.
              ::dup2(a.get(), 1);
              ::dup2(b.get(), 0);
              if (!place_fds({{BorrowedFd(1), 0}, {BorrowedFd(0), 1}})) return 1;
              if (!same_file(BorrowedFd(0), copy_a.borrow())) return 2;
              if (!same_file(BorrowedFd(1), copy_b.borrow())) return 3;
              if (::fcntl(0, F_GETFD) != 0 || ::fcntl(1, F_GETFD) != 0) return 4;
              return ::fcntl(a.get(), F_GETFD) == FD_CLOEXEC ? 0 : 5;
            }).status,
            0);
}

TEST(PlaceFds, ADescriptorThatIsNoneIsAnError) {
  EXPECT_EQ(in_child([] { return place_fds({{BorrowedFd(-1), 0}}) ? 1 : 0; }).status, 0);
}

}  // namespace
}  // namespace perchild::test::spawn_test
