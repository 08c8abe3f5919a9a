// A child that takes its ids after its exec, as a site's worker does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/capabilities.h"
#include "privsep/identity_memory.h"
#include "privsep/sealed_memory.h"
#include "privsep/spawn.h"
#include "test/privsep/descriptors.h"
#include "test/privsep/service_namespace.h"
#include "test/support/in_child.h"

namespace perchild::test::late_drop_test {
namespace {

struct Spawned {
  std::string output;
  int status = 0;
};

// Runs a shell as such a child of a master's, which reads `script`.
Spawned run_shell(const std::string& script) {
  const TemporaryDirectory folder;
  const UniqueFd in(::open(folder.write("script", script).c_str(), O_RDONLY | O_CLOEXEC));
  const std::string result = folder.write("out", "", 0666);
  const UniqueFd out(::open(result.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const UniqueFd shell(::open("/bin/sh", O_PATH | O_CLOEXEC));
  const ChildEnd end = in_child([&] {
    if (!become_master()) return 90;
    const auto spawned = spawn({.role = Role::worker,
                                .identity = {},
                                .executable = shell.borrow(),
                                .title = "perchild-test",
                                .fds = {{in.borrow(), 0}, {out.borrow(), 1}, {out.borrow(), 2}},
                                .environment = {"ONE=1"},
                                .drops_after_exec = true});
    if (!spawned) return 91;
    int status = 0;
    ::waitpid(spawned->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 92;
  });
  return {read_file(result), end.status};
}

TEST(LateDrop, TheChildHasTheMastersIdsSoThatNoTenantCanStopItWhileTheMasterWaits) {
  const Spawned seen = run_shell("id -u; id -g; id -G; echo $ONE\n");
  EXPECT_EQ(seen.status, 0);
  const std::string id = std::to_string(master_uid) + "\n";
  EXPECT_EQ(seen.output, id + id + id + "1\n");
}

TEST(LateDrop, TheChildHoldsWhatItNeedsToDropAndNothingElse) {
  const std::string status = run_shell("grep ^Cap /proc/$$/status\n").output;
  // SETGID, SETUID, SETPCAP, SYS_CHROOT; not KILL.
  for (const char* set : {"CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_NE(status.find(std::string(set) + ":\t00000000000401c0"), std::string::npos) << status;
  }
}

TEST(LateDrop, TheChildFindsItsDescriptorsAndNoOthers) {
  const UniqueFd leaked = any_descriptor();
  const int inheritable = ::dup(leaked.get());  // not close-on-exec
  const std::string listed = run_shell("cd /proc/$$/fd && echo *\n").output;
  ::close(inheritable);
  ASSERT_GT(inheritable, 3);
  EXPECT_EQ(listed, "0 1 2 3\n");  // 3 is what it lists the folder by
}

TEST(LateDrop, WhatTheChildChangesOfItselfIsNotChangedForTheMaster) {
  const UniqueFd program(::open("/bin/true", O_PATH | O_CLOEXEC));
  EXPECT_EQ(in_child([&] {
              if (!become_master()) return 1;
              ::signal(SIGHUP, SIG_IGN);
              ::sigset_t blocked;
              ::sigemptyset(&blocked);
              ::sigaddset(&blocked, SIGTERM);
              ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
              const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
              const ::pid_t session = ::getsid(0);
              if (!spawn({.role = Role::worker,
                          .identity = {},
                          .executable = program.borrow(),
                          .title = "test",
                          .fds = {{null.borrow(), 0}},
                          .drops_after_exec = true})) {
                return 2;
              }
              const CapabilityMask all = policy_of(Role::master).capabilities;
              const auto held = read_capabilities();
              if (!held || *held != CapabilitySets{all, all, all}) return 3;
              ::sigset_t now;
              ::sigprocmask(SIG_BLOCK, nullptr, &now);
              if (::sigismember(&now, SIGTERM) != 1 || ::signal(SIGHUP, SIG_DFL) != SIG_IGN)
                return 4;
              return ::getsid(0) == session && ::fcntl(null.get(), F_GETFD) == FD_CLOEXEC ? 0 : 5;
            }).status,
            0);
}

TEST(LateDrop, WhatKeepsAChildFromItsExecIsToldAndNothingIsLeftOfIt) {
  const TemporaryDirectory folder;
  const UniqueFd no_program(
      ::open(folder.write("program", "no program").c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(in_child([&] {
              if (!become_master()) return 1;
              const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
              const auto spawned = spawn({.role = Role::worker,
                                          .identity = {},
                                          .executable = no_program.borrow(),
                                          .title = "some title",
                                          .fds = {{null.borrow(), 0}},
                                          .drops_after_exec = true});
              if (spawned || spawned.error().operation != "execveat") return 2;
              if (spawned.error().subject != "some title" || spawned.error().error != EACCES)
                return 3;
              return ::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD ? 0 : 4;
            }).status,
            0);
}

TEST(TakeIdentity, TakesIdsAndGroupsAndClosesTheMemory) {
  EXPECT_EQ(in_child([] {
              Identity identity = tenant();
              identity.groups = {Gid{uid_b}};
              auto memory = make_identity_memory(identity);
              if (!memory || !become_master()) return 1;
              const int number = memory->get();
              if (!take_identity(Role::worker, std::move(*memory))) return 2;
              if (::fcntl(number, F_GETFD) >= 0) return 3;
              ::gid_t groups[8];
              if (::getuid() != uid_a || ::getgid() != uid_a) return 4;
              if (::getgroups(8, groups) != 1 || groups[0] != uid_b) return 5;
              const CapabilityMask expected = policy_of(Role::worker).capabilities_at_exec;
              const auto held = read_capabilities();
              return held && *held == CapabilitySets{expected, expected, expected} ? 0 : 6;
            }).status,
            0);
}

TEST(TakeIdentity, RefusesWhatIsNotWhole) {
  const auto take = [](std::string_view bytes) {
    return in_child([&] {
             auto memory = make_sealed_memory("test", bytes);
             if (!memory || !become_master()) return 90;
             return take_identity(Role::worker, std::move(*memory)) ? 0 : 1;
           })
        .status;
  };
  const std::uint32_t whole[] = {uid_a, uid_a, 1, uid_b};
  const std::string bytes(reinterpret_cast<const char*>(whole), sizeof whole);
  EXPECT_EQ(take(bytes), 0);
  EXPECT_EQ(take(bytes + "x"), 1);
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    EXPECT_EQ(take(std::string_view(bytes).substr(0, length)), 1) << length;
  }
}

TEST(TakeIdentity, RefusesMemoryThatSomebodyCouldStillChange) {
  EXPECT_EQ(in_child([] {
              const std::uint32_t whole[] = {uid_a, uid_a, 0};
              UniqueFd open(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
              if (::write(open.get(), whole, sizeof whole) != sizeof whole) return 1;
              if (!become_master()) return 2;
              return take_identity(Role::worker, std::move(open)) ? 3 : 0;
            }).status,
            0);
}

}  // namespace
}  // namespace perchild::test::late_drop_test
