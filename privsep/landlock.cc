#include "privsep/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace perchild {
namespace {

// The packaged header is of ABI 2. These are the kernel's own numbers, from
// Documentation/userspace-api/landlock.rst; what a kernel does not know is masked out below.
struct RulesetAttributes {
  std::uint64_t handled_files;
  std::uint64_t handled_ports;  // ABI 4
  std::uint64_t scoped;         // ABI 6
};
constexpr std::uint64_t truncate_file = 1ULL << 14;  // ABI 3
constexpr std::uint64_t ioctl_device = 1ULL << 15;   // ABI 5
constexpr std::uint64_t bind_tcp = 1ULL << 0;
constexpr std::uint64_t connect_tcp = 1ULL << 1;
constexpr std::uint64_t scope_abstract_sockets = 1ULL << 0;
constexpr std::uint64_t scope_signals = 1ULL << 1;

constexpr std::uint64_t files_of_abi_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

RulesetAttributes everything_that(int abi) {
  RulesetAttributes all{files_of_abi_1, 0, 0};
  if (abi >= 2) all.handled_files |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) all.handled_files |= truncate_file;
  if (abi >= 4) all.handled_ports = bind_tcp | connect_tcp;
  if (abi >= 5) all.handled_files |= ioctl_device;
  if (abi >= 6) all.scoped = scope_abstract_sockets | scope_signals;
  return all;
}

}  // namespace

int landlock_abi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<void> restrict_with_landlock(std::optional<BorrowedFd> readable,
                                    std::optional<BorrowedFd> also) {
  const RulesetAttributes attributes = everything_that(landlock_abi());
  const UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset.has_value()) return failure_from_errno("landlock_create_ruleset");
  for (const std::optional<BorrowedFd>& directory : {readable, also}) {
    if (!directory) continue;
    const ::landlock_path_beneath_attr rule{
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, directory->get()};
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) !=
        0) {
      return failure_from_errno("landlock_add_rule");
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return failure_from_errno("landlock_restrict_self");
  }
  return {};
}

}  // namespace perchild
