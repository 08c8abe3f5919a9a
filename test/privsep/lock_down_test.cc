// Each step of the lock-down by its question: asked in one and the same process before the
// lock-down, where the answer must be the unsafe one, and after it.
#include "privsep/lock_down.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/capabilities.h"
#include "test/privsep/role_bits.h"
#include "test/privsep/service_namespace.h"
#include "test/support/in_child.h"

namespace perchild::test::lock_down_test {
namespace {

bool limit_is(__rlimit_resource resource, ::rlim_t value) {
  ::rlimit limit;
  return ::getrlimit(resource, &limit) == 0 && limit.rlim_cur == value && limit.rlim_max == value;
}

bool opens(const char* path, int flags) {
  return UniqueFd(::open(path, flags | O_CLOEXEC, 0600)).has_value();
}

bool forks() {
  const ::pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return pid > 0;
}

bool binds_a_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_in any{};
  any.sin_family = AF_INET;
  return ::bind(socket.get(), reinterpret_cast<::sockaddr*>(&any), sizeof any) == 0;
}

bool makes_a_file() {
  return opens("perchild-test-made", O_WRONLY | O_CREAT) && ::unlink("perchild-test-made") == 0;
}

int parent_death_signal() {
  int signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
  return signal;
}

constexpr unsigned of_children = of_router | of_worker | of_checker | of_keeper;
constexpr unsigned of_all = of_master | of_children;

struct Question {
  const char* what;
  unsigned roles;
  bool (*is_safe)();
};
const Question questions[] = {
    {"it is not dumpable", of_all, [] { return ::prctl(PR_GET_DUMPABLE) == 0; }},
    {"no_new_privs", of_all, [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }},
    {"it leaves no core", of_all, [] { return limit_is(RLIMIT_CORE, 0); }},
    {"it locks no memory", of_router | of_worker | of_checker,
     [] { return limit_is(RLIMIT_MEMLOCK, 0); }},
    {"it has no message queues", of_all, [] { return limit_is(RLIMIT_MSGQUEUE, 0); }},
    {"no signal of its waits for it", of_children, [] { return limit_is(RLIMIT_SIGPENDING, 0); }},
    {"what it makes is not for everybody", of_all, [] { return ::umask(0) == 0027; }},
    {"it has a filter", of_all, [] { return ::prctl(PR_GET_SECCOMP) == 2; }},
    {"it dies with its parent", of_children, [] { return parent_death_signal() == SIGKILL; }},
    {"it holds no capability", of_children,
     [] {
       const auto held = read_capabilities();
       return held && *held == CapabilitySets{};
     }},
    {"it cannot change its root again", of_children, [] { return ::chroot("/") != 0; }},
    {"it does not see the machine's files", of_children,
     [] { return !opens("/etc/passwd", O_RDONLY); }},
    {"it does not see /proc", of_children, [] { return !opens("/proc/self/status", O_RDONLY); }},
    {"it does not leave its root by ..", of_children,
     [] { return !opens("../../../../../../etc/passwd", O_RDONLY); }},
    {"it makes no file", of_children, [] { return !makes_a_file(); }},
    {"it binds no port", of_children, [] { return !binds_a_port(); }},
    {"it signals nobody outside", of_children, [] { return ::kill(::getppid(), 0) != 0; }},
    {"it does not fork", of_children, [] { return !forks(); }},
};

class LockDown : public ::testing::TestWithParam<Role> {
 protected:
  // A parent of the same ids, so that being another's process is not what protects it.
  int as_child_of_its_uid(const std::function<int()>& body) {
    return in_child([&] {
             const Identity identity = tenant();
             if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 90;
             if (!stand_where_exec_ends(GetParam(), identity)) return 91;
             if (::fchdir(folder_.fd().get()) != 0) return 92;
             const ::pid_t child = ::fork();
             if (child == 0) {
               // fork drops nothing; PR_SET_PDEATHSIG is the only thing that it clears.
               ::_exit(body());
             }
             int status = 0;
             ::waitpid(child, &status, 0);
             return WIFEXITED(status) ? WEXITSTATUS(status) : 93;
           })
        .status;
  }

  LockDownPlan plan(std::string_view filter) const {
    if (GetParam() == Role::master) return {.filter = filter};
    return {.filter = filter, .new_root = folder_.fd(), .root_is_readable = true};
  }

  TenantFolder folder_;
};

TEST_P(LockDown, EachQuestionIsAnsweredUnsafeBeforeAndSafeAfter) {
  const std::string filter = permit_everything();
  for (const Question& question : questions) {
    if ((question.roles & bit_of(GetParam())) == 0) continue;
    const int answers = as_child_of_its_uid([&] {
      ::umask(0022);
      const bool before = question.is_safe();
      ::umask(0022);
      if (!lock_down_as(GetParam(), plan(filter))) return 80;
      const bool after = question.is_safe();
      return (before ? 1 : 0) + (after ? 2 : 0);
    });
    EXPECT_EQ(answers, 2) << question.what << " (1: safe before, 2: safe after)";
  }
}

TEST_P(LockDown, WhatTheRoleNeedsWorksAfterIt) {
  const std::string filter = permit_everything();
  EXPECT_EQ(as_child_of_its_uid([&] {
              if (!lock_down_as(GetParam(), plan(filter))) return 1;
              switch (GetParam()) {
                case Role::master:
                  return forks() && ::setresuid(uid_b, uid_b, uid_b) == 0 ? 0 : 2;
                case Role::router:
                case Role::worker:
                case Role::checker:
                case Role::keeper:
                  return opens("/index.html", O_RDONLY) ? 0 : 3;
                case Role::exporter:
                case Role::runner:
                case Role::spare:
                  break;
              }
              return 4;
            }),
            0);
}

INSTANTIATE_TEST_SUITE_P(OfEachRole, LockDown,
                         ::testing::Values(Role::master, Role::router, Role::worker, Role::checker,
                                           Role::keeper),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST(RouterLockDown, ReadsNothingNotEvenInItsRoot) {
  const TenantFolder folder;
  const std::string filter = permit_everything();
  EXPECT_EQ(in_child([&] {
              const Identity identity = tenant();
              if (!stand_where_exec_ends(Role::router, identity)) return 1;
              if (::fchdir(folder.fd().get()) != 0 || !opens("index.html", O_RDONLY)) return 2;
              if (!lock_down_as(Role::router, {.filter = filter, .new_root = folder.fd()})) {
                return 3;
              }
              return opens("/index.html", O_RDONLY) ? 4 : 0;
            }).status,
            0);
}

TEST(WorkerLockDown, HoldsItsMemoryToTheSitesBoundIfThereIsOne) {
  const TenantFolder folder;
  const std::string filter = permit_everything();
  const auto allocates_within = [&](std::uint64_t memory) {
    return in_child([&] {
             if (!stand_where_exec_ends(Role::worker, tenant())) return 10;
             const LockDownPlan plan{.filter = filter, .new_root = folder.fd(), .memory = memory};
             if (!lock_down_as(Role::worker, plan)) return 11;
             if (memory != 0 && !limit_is(RLIMIT_DATA, memory)) return 12;
             void* block = ::mmap(nullptr, 64 << 20, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
             return block == MAP_FAILED ? 1 : 0;
           })
        .status;
  };
  EXPECT_EQ(allocates_within(32 << 20), 1);
  EXPECT_EQ(allocates_within(0), 0);
}

TEST(DropToIdentity, LeavesTheIdsGroupsAndCapabilitiesOfTheRoleAndNothingElse) {
  EXPECT_EQ(in_child([] {
              Identity identity = tenant();
              identity.groups = {Gid{uid_b}};
              if (!become_master()) return 1;
              if (!drop_to_identity(Role::worker, identity)) return 2;
              ::uid_t uids[3];
              ::gid_t gids[3];
              ::getresuid(&uids[0], &uids[1], &uids[2]);
              ::getresgid(&gids[0], &gids[1], &gids[2]);
              for (int i = 0; i < 3; ++i) {
                if (uids[i] != uid_a || gids[i] != uid_a) return 3;
              }
              ::gid_t groups[8];
              if (::getgroups(8, groups) != 1 || groups[0] != uid_b) return 4;
              const CapabilityMask expected = policy_of(Role::worker).capabilities_at_exec;
              const auto held = read_capabilities();
              if (!held || *held != CapabilitySets{expected, expected, expected}) return 5;
              for (int number = 0; number <= CAP_LAST_CAP; ++number) {
                if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) != 0) return 6;
              }
              const int bits = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
              constexpr int wanted = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                     SECBIT_NO_SETUID_FIXUP_LOCKED;
              return (bits & wanted) == wanted ? 0 : 7;
            }).status,
            0);
}

TEST(DropToIdentity, FailsWhereAnIdIsNotMapped) {
  const auto drop_to = [](Identity identity) {
    return in_child([&] {
             if (!become_master()) return 255;
             return drop_to_identity(Role::worker, identity) ? 0 : 1;
           })
        .status;
  };
  EXPECT_EQ(drop_to(tenant()), 0);
  EXPECT_EQ(drop_to({Uid{0}, Gid{uid_a}, {}}), 1);
  EXPECT_EQ(drop_to({Uid{uid_a}, Gid{0}, {}}), 1);
  EXPECT_EQ(drop_to({Uid{uid_a}, Gid{uid_a}, {Gid{disk_gid}}}), 1);
  EXPECT_EQ(drop_to({Uid{1000}, Gid{uid_a}, {}}), 1);
}

}  // namespace
}  // namespace perchild::test::lock_down_test
