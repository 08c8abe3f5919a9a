// The filters of a site whose programs have calls of their own: what is refused on top of the
// runner's filter, what is allowed besides, and that neither comes near what nobody may.
#include "policy/program_calls.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "privsep/syscall_filter.h"
#include "test/support/in_child.h"

namespace perchild::test::program_calls_test {
namespace {

using Names = std::vector<std::string>;

constexpr int not_loaded = 98;

// What `body` gives under the runner's filter with these calls, and under what is refused on top.
int under(const ProgramCalls& calls, int (*body)()) {
  const std::string filter = compile_syscall_filter(Role::runner, calls.allow).value();
  const std::string refusals =
      calls.forbid.empty() ? std::string() : compile_refusals(calls.forbid).value();
  const ChildEnd end = in_child([&] {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !load_syscall_filter(filter) ||
        (!refusals.empty() && !load_syscall_filter(refusals))) {
      return not_loaded;
    }
    // At once: what a child's end is made of may be refused too.
    ::_exit(body());
    return 0;
  });
  EXPECT_TRUE(end.exited) << end.status;
  return end.status;
}

int errno_of(long result) {
  return result < 0 ? errno : 0;
}
int open_datagrams() {
  return errno_of(::socket(AF_INET, SOCK_DGRAM, 0));
}
int open_local() {
  return errno_of(::socket(AF_UNIX, SOCK_STREAM, 0));
}
int make_process() {
  const long pid = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (pid == 0) ::_exit(0);
  return errno_of(pid);
}
// Its flags alone are wrong: a thread without its process's memory.
int make_thread() {
  return errno_of(::syscall(SYS_clone, CLONE_THREAD, nullptr, nullptr, nullptr, 0));
}
int make_memory() {
  return errno_of(::shmget(IPC_PRIVATE, 1, 0600));
}
int compare() {
  return errno_of(::syscall(SYS_kcmp, -1, -1, 0, 0, 0));
}
int true_program() {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  ::execve("/bin/true", arguments, arguments + 1);
  return errno;
}

TEST(ProgramCalls, GroupsAreRefusedAndNothingBesides) {
  EXPECT_EQ(under({}, open_datagrams), 0);
  EXPECT_EQ(under({{"@internet"}, {}}, open_datagrams), ENOSYS);
  EXPECT_EQ(under({{"@internet"}, {}}, open_local), 0);
  EXPECT_EQ(under({}, make_process), 0);
  EXPECT_EQ(under({{"@processes"}, {}}, make_process), ENOSYS);
  EXPECT_EQ(under({{"@processes"}, {}}, make_thread), EINVAL);
  EXPECT_EQ(under({}, make_memory), 0);
  EXPECT_EQ(under({{"@sysv-ipc"}, {}}, make_memory), ENOSYS);
  EXPECT_EQ(under({{"@sysv-ipc"}, {}}, make_process), 0);
}

TEST(ProgramCalls, ACallIsRefusedWhateverItsArguments) {
  EXPECT_EQ(under({{"socket"}, {}}, open_local), ENOSYS);
  EXPECT_EQ(under({{"clone"}, {}}, make_thread), ENOSYS);
}

TEST(ProgramCalls, WhatIsAllowedIsAndForbiddingCountsForMore) {
  EXPECT_EQ(under({}, compare), ENOSYS);
  EXPECT_EQ(under({{}, {"@debug"}}, compare), ESRCH);
  EXPECT_EQ(under({{}, {"kcmp"}}, compare), ESRCH);
  EXPECT_EQ(under({{}, {"@numa", "ptrace"}}, compare), ENOSYS);
  EXPECT_EQ(under({{"kcmp"}, {"@debug"}}, compare), ENOSYS);
}

// So what cannot be forbidden is enough.
TEST(ProgramCalls, AProgramStartsWhereAllIsForbiddenThatCanBe) {
  const auto all = forbiddable_calls();
  const Names names(all.begin(), all.end());
  EXPECT_EQ(under({names, {}}, true_program), 0);
  EXPECT_EQ(under({names, {}}, open_local), ENOSYS);
}

TEST(ProgramCalls, StandForSomethingEach) {
  for (const std::string_view name : forbiddable_calls()) {
    EXPECT_FALSE(rules_to_forbid(Names{std::string(name)}).empty()) << name;
    EXPECT_NE(standing_of(name), CallStanding::never) << name;
    EXPECT_NE(standing_of(name), CallStanding::needed) << name;
  }
  for (const std::string_view name : allowable_calls()) {
    const auto rules = rules_to_allow(Names{std::string(name)});
    EXPECT_FALSE(rules.empty()) << name;
    EXPECT_EQ(standing_of(name), CallStanding::extra) << name;
    for (const SyscallRule& rule : rules) {
      EXPECT_GE(::seccomp_syscall_resolve_name(rule.name), 0) << rule.name;
      EXPECT_EQ(danger_of(rule.name), "") << rule.name;
    }
  }
}

TEST(ProgramCalls, WhatIsDangerousIsAllowedToNobody) {
  for (const char* const name : {"io_uring_setup",
                                 "io_uring_enter",
                                 "io_uring_register",
                                 "unshare",
                                 "setns",
                                 "clone3",
                                 "mount",
                                 "umount2",
                                 "pivot_root",
                                 "chroot",
                                 "open_tree",
                                 "move_mount",
                                 "fsopen",
                                 "bpf",
                                 "perf_event_open",
                                 "userfaultfd",
                                 "add_key",
                                 "request_key",
                                 "keyctl",
                                 "io_setup",
                                 "open_by_handle_at",
                                 "init_module",
                                 "finit_module",
                                 "kexec_load",
                                 "reboot",
                                 "swapon",
                                 "settimeofday",
                                 "vmsplice",
                                 "process_madvise",
                                 "syslog",
                                 "quotactl",
                                 "acct"}) {
    EXPECT_EQ(standing_of(name), CallStanding::never) << name;
    EXPECT_TRUE(rules_to_allow(Names{name}).empty()) << name;
    EXPECT_NE(::seccomp_syscall_resolve_name(name), __NR_SCMP_ERROR) << name;
  }
}

}  // namespace
}  // namespace perchild::test::program_calls_test
