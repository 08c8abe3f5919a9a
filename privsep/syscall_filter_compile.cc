#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "policy/program_calls.h"
#include "policy/syscall_rules.h"
#include "privsep/sealed_memory.h"
#include "privsep/syscall_filter.h"

namespace perchild {
namespace {

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

constexpr std::uint32_t refusal = SCMP_ACT_ERRNO(ENOSYS);

// libseccomp returns a negative errno.
tl::unexpected<SysError> seccomp_failure(std::string_view operation, std::string_view subject,
                                         int result) {
  return failure({std::string(operation), std::string(subject), -result});
}

Result<void> add_rule(const Filter& filter, std::uint32_t action, const SyscallRule& rule) {
  const int number = ::seccomp_syscall_resolve_name(rule.name);
  // Calls of other machines (open, access, epoll_wait on arm64) resolve to negative pseudo-numbers.
  if (number == __NR_SCMP_ERROR) return failure({"resolve system call", rule.name, 0});
  if (number < 0) return {};
  std::array<::scmp_arg_cmp, 3> tests{};
  unsigned count = 0;
  for (const ArgumentTest& test : rule.tests()) {
    if (test.mask == 0) continue;
    tests[count++] = {test.index, SCMP_CMP_MASKED_EQ, test.mask, test.value};
  }
  const int added = ::seccomp_rule_add_array(filter.get(), action, number, count, tests.data());
  if (added != 0) return seccomp_failure("seccomp_rule_add", rule.name, added);
  return {};
}

Result<void> add_rules(const Filter& filter, std::uint32_t action,
                       const std::vector<SyscallRule>& rules) {
  for (const SyscallRule& rule : rules) {
    if (auto added = add_rule(filter, action, rule); !added) return added;
  }
  return {};
}

Result<Filter> make_filter(std::uint32_t otherwise) {
  Filter filter(::seccomp_init(otherwise));
  if (filter == nullptr) return failure({"seccomp_init", "", ENOMEM});
  // A binary tree, not a list: the hot calls are not the first ones.
  if (const int result = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
      result != 0) {
    return seccomp_failure("seccomp_attr_set", "OPTIMIZE", result);
  }
  // A call of another architecture (int 0x80) is killed too, not just answered ENOSYS.
  if (const int result =
          ::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
      result != 0) {
    return seccomp_failure("seccomp_attr_set", "BADARCH", result);
  }
  return filter;
}

Result<std::string> export_program(const Filter& filter) {
  const UniqueFd memory(::memfd_create("filter", MFD_CLOEXEC));
  if (!memory.has_value()) return failure_from_errno("memfd_create", "filter");
  if (const int result = ::seccomp_export_bpf(filter.get(), memory.get()); result != 0) {
    return seccomp_failure("seccomp_export_bpf", "", result);
  }
  const off_t size = ::lseek(memory.get(), 0, SEEK_END);
  std::string program(static_cast<std::size_t>(size), '\0');
  if (::pread(memory.get(), program.data(), program.size(), 0) != size) {
    return failure_from_errno("pread", "filter");
  }
  return program;
}

}  // namespace

Result<std::string> compile_syscall_filter(Role role, std::span<const std::string> allowed) {
  const auto filter =
      make_filter(unlisted_call_of(role) == UnlistedCall::refuse ? refusal : SCMP_ACT_KILL_PROCESS);
  if (!filter) return failure(filter.error());
  for (const auto& rules : {syscall_rules_of(role), rules_to_allow(allowed)}) {
    if (auto added = add_rules(*filter, SCMP_ACT_ALLOW, rules); !added) {
      return failure(added.error());
    }
  }
  return export_program(*filter);
}

Result<std::string> compile_refusals(std::span<const std::string> forbidden) {
  const auto filter = make_filter(SCMP_ACT_ALLOW);
  if (!filter) return failure(filter.error());
  if (auto added = add_rules(*filter, refusal, rules_to_forbid(forbidden)); !added) {
    return failure(added.error());
  }
  return export_program(*filter);
}

}  // namespace perchild
