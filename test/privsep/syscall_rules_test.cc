// Every row of policy/syscall_rules.cc, as compiled: a call that satisfies it passes, the same call
// with an argument that no row permits ends its process, or is refused (UnlistedCall).
#include "policy/syscall_rules.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "privsep/syscall_filter.h"
#include "test/support/in_child.h"

namespace perchild::test::syscall_rules_test {
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
    const auto tests = rule.tests();
    if (name == rule.name && std::all_of(tests.begin(), tests.end(), [&](const ArgumentTest& test) {
          return holds(test, arguments);
        })) {
      return true;
    }
  }
  return false;
}

Arguments satisfying(const SyscallRule& rule) {
  Arguments arguments;
  arguments.fill(nonsense);
  for (const ArgumentTest& test : rule.tests()) {
    arguments[test.index] = (arguments[test.index] & ~test.mask) | test.value;
  }
  return arguments;
}

struct Call {
  int number;
  Arguments arguments;
};

// Answers every call but those that it takes to load another filter over it and to end.
bool load_answering_filter(std::uint16_t with_errno) {
  constexpr unsigned load = BPF_LD | BPF_W | BPF_ABS, if_equal = BPF_JMP | BPF_JEQ | BPF_K;
  ::sock_filter program[] = {
      BPF_STMT(load, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(if_equal, SYS_seccomp, 3, 0),
      BPF_JUMP(if_equal, SYS_prctl, 2, 0),
      BPF_JUMP(if_equal, SYS_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | with_errno),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const ::sock_fprog all{std::size(program), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}

enum class Decision : std::uint8_t { none, passes, refused, kills };

// What the kernel decides by the filter of each of the calls. None of them is made: what passes
// the filter is answered by another one below it, and of two answers the newer filter's holds.
std::vector<Decision> decisions_of(const std::string& filter, const std::vector<Call>& calls) {
  constexpr std::uint16_t passed = EBADE;
  const std::size_t size = std::max<std::size_t>(calls.size(), 1);
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mmap");
  const std::span decisions(static_cast<Decision*>(memory), size);
  std::size_t next = 0;
  while (next < calls.size()) {
    const ChildEnd end = in_child([&] {
      if (!load_answering_filter(passed) || !load_syscall_filter(filter)) return 98;
      for (std::size_t i = next; i < calls.size(); ++i) {
        const Arguments& a = calls[i].arguments;
        const bool is_answered =
            ::syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) == -1;
        decisions[i] = is_answered && errno == ENOSYS ? Decision::refused : Decision::passes;
      }
      ::_exit(0);
    });
    while (next < calls.size() && decisions[next] != Decision::none) ++next;
    if (end.exited && end.status == 0) break;
    if (end.exited || end.status != SIGSYS) throw std::runtime_error("no filter could be loaded");
    decisions[next++] = Decision::kills;
  }
  const auto made = decisions.first(calls.size());
  const std::vector<Decision> result(made.begin(), made.end());
  ::munmap(memory, size);
  return result;
}

// What the role's filter does to a call that is not listed.
Decision denial_of(Role role) {
  return unlisted_call_of(role) == UnlistedCall::kill ? Decision::kills : Decision::refused;
}

// Since Linux 6.14 seccomp lets these two pass unasked. They are calls of the kernel's own probes
// and do nothing for whoever else makes them.
bool is_trampoline(int number) {
  constexpr int uretprobe = 335, uprobe = 336;
  return number == uretprobe || number == uprobe;
}

void expect_all(const std::string& filter, const std::vector<Call>& calls, Decision wanted) {
  const std::vector<Decision> decisions = decisions_of(filter, calls);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(decisions[i], wanted)
        << "call " << calls[i].number << testing::PrintToString(calls[i].arguments);
  }
}

class SyscallRules : public ::testing::TestWithParam<Role> {};

TEST_P(SyscallRules, EachLetsPassWhatSatisfiesItAndNothingElse) {
  const auto rules = syscall_rules_of(GetParam());
  const auto filter = compile_syscall_filter(GetParam());
  ASSERT_TRUE(filter);
  std::vector<Call> good;
  std::vector<Call> bad;
  for (const SyscallRule& rule : rules) {
    const int number = ::seccomp_syscall_resolve_name(rule.name);
    if (number < 0 || number == SYS_exit_group) continue;  // another machine's, and each child's
    good.push_back({number, satisfying(rule)});
    for (const ArgumentTest& test : rule.tests()) {
      for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
        Call changed = good.back();
        changed.arguments[test.index] ^= bit;
        if ((test.mask & bit) == 0 || permitted(rules, rule.name, changed.arguments)) continue;
        bad.push_back(changed);
      }
    }
  }
  EXPECT_GT(good.size(), 15u);
  EXPECT_GT(bad.size(), 20u);
  expect_all(*filter, good, Decision::passes);
  expect_all(*filter, bad, denial_of(GetParam()));
}

TEST_P(SyscallRules, EveryCallThatIsNotListedIsDenied) {
  const auto rules = syscall_rules_of(GetParam());
  const auto filter = compile_syscall_filter(GetParam());
  ASSERT_TRUE(filter);
  constexpr int highest_number = 480;
  Arguments arguments;
  arguments.fill(nonsense);
  std::vector<Call> unlisted;
  for (int number = 0; number <= highest_number; ++number) {
    bool listed = is_trampoline(number);
    for (const SyscallRule& rule : rules) {
      listed = listed || ::seccomp_syscall_resolve_name(rule.name) == number;
    }
    if (!listed) unlisted.push_back({number, arguments});
  }
  // Ordinary programs make half of all that there are.
  EXPECT_GT(unlisted.size(), unlisted_call_of(GetParam()) == UnlistedCall::kill ? 300u : 180u);
  expect_all(*filter, unlisted, denial_of(GetParam()));
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
}  // namespace perchild::test::syscall_rules_test
