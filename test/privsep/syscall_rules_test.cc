// Every row of policy/syscall_rules.cc, as compiled: a call that satisfies it passes, the same call
// with an argument that no row permits ends its process, or is refused (UnlistedCall).
#include "policy/syscall_rules.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "privsep/syscall_filter.h"
#include "test/support/in_child.h"

namespace perchild::test {
namespace {

using Arguments = std::array<std::uint64_t, 6>;

// All ones is no descriptor, no address, no length and no set of flags that any call would take.
constexpr std::uint64_t nonsense = ~std::uint64_t{0};

bool holds(const ArgumentTest& test, const Arguments& arguments) {
  return (arguments[test.index] & test.mask) == test.value;
}

bool permitted(const std::vector<SyscallRule>& rules, std::string_view name,
               const Arguments& arguments) {
  for (const SyscallRule& rule : rules) {
    if (name == rule.name && holds(rule.first, arguments) && holds(rule.second, arguments)) {
      return true;
    }
  }
  return false;
}

Arguments satisfying(const SyscallRule& rule) {
  Arguments arguments;
  arguments.fill(nonsense);
  for (const ArgumentTest& test : {rule.first, rule.second}) {
    arguments[test.index] = (arguments[test.index] & ~test.mask) | test.value;
  }
  return arguments;
}

ChildEnd call_under(const std::string& filter, int number, const Arguments& a) {
  return in_child([&] {
    // What calls that do something even so leave behind: a queue of messages, somebody who waits.
    if (::unshare(CLONE_NEWIPC) != 0 || ::alarm(1) != 0) return 97;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !load_syscall_filter(filter)) return 98;
    const long result = ::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    ::_exit(result == -1 && errno == ENOSYS ? ENOSYS : 0);
  });
}

// Whether the filter did to it what it does to a call that is not listed.
bool is_denied(const ChildEnd& end, Role role) {
  if (unlisted_call_of(role) == UnlistedCall::kill) return !end.exited && end.status == SIGSYS;
  return end.exited && end.status == ENOSYS;
}

// What the kernel itself answers ENOSYS to nonsense.
bool is_answered_so_by_the_kernel(std::string_view name) {
  return name == "futex";
}

// Since Linux 6.14 seccomp lets these two pass unasked. They are calls of the kernel's own probes
// and do nothing for whoever else makes them.
bool is_trampoline(int number) {
  constexpr int uretprobe = 335, uprobe = 336;
  return number == uretprobe || number == uprobe;
}

class SyscallRules : public ::testing::TestWithParam<Role> {};

TEST_P(SyscallRules, EachLetsPassWhatSatisfiesItAndNothingElse) {
  const auto rules = syscall_rules_of(GetParam());
  const auto filter = compile_syscall_filter(GetParam());
  ASSERT_TRUE(filter);
  for (const SyscallRule& rule : rules) {
    const int number = ::seccomp_syscall_resolve_name(rule.name);
    if (number < 0) continue;  // another machine's
    const Arguments good = satisfying(rule);
    const bool is_denied_good = is_denied(call_under(*filter, number, good), GetParam());
    EXPECT_FALSE(is_denied_good && !is_answered_so_by_the_kernel(rule.name)) << rule.name;
    for (const ArgumentTest& test : {rule.first, rule.second}) {
      for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
        Arguments bad = good;
        bad[test.index] ^= bit;
        if ((test.mask & bit) == 0 || permitted(rules, rule.name, bad)) continue;
        EXPECT_TRUE(is_denied(call_under(*filter, number, bad), GetParam()))
            << rule.name << ", argument " << test.index << " with bit " << bit << " changed";
      }
    }
  }
}

TEST_P(SyscallRules, EveryCallThatIsNotListedIsDenied) {
  const auto rules = syscall_rules_of(GetParam());
  const auto filter = compile_syscall_filter(GetParam());
  ASSERT_TRUE(filter);
  constexpr int highest_number = 480;
  Arguments arguments;
  arguments.fill(nonsense);
  int denied = 0;
  for (int number = 0; number <= highest_number; ++number) {
    bool listed = false;
    for (const SyscallRule& rule : rules) {
      listed = listed || ::seccomp_syscall_resolve_name(rule.name) == number;
    }
    if (listed) continue;
    const ChildEnd end = call_under(*filter, number, arguments);
    EXPECT_TRUE(is_denied(end, GetParam()) || is_trampoline(number)) << number;
    ++denied;
  }
  // Ordinary programs make half of all that there are.
  EXPECT_GT(denied, unlisted_call_of(GetParam()) == UnlistedCall::kill ? 300 : 180);
}

TEST_P(SyscallRules, EachHasItsReason) {
  for (const SyscallRule& rule : syscall_rules_of(GetParam())) {
    EXPECT_GE(std::string_view(rule.reason).size(), 4u) << rule.name;
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachRole, SyscallRules,
                         ::testing::Values(Role::master, Role::router, Role::worker, Role::checker,
                                           Role::keeper, Role::exporter, Role::runner),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace perchild::test
