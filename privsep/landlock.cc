#include "privsep/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
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

// Of a rule: what the ruleset of this kernel does not know is no right to be given.
struct PortRule {
  std::uint64_t allowed;
  std::uint64_t port;
};
constexpr int port_rule = 2;  // ABI 4

constexpr std::uint64_t rights_of_files =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
    truncate_file | ioctl_device;

std::uint64_t rights_of(FileAccess access) {
  constexpr std::uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  // Devices are for nobody to make.
  constexpr std::uint64_t write =
      (files_of_abi_1 | LANDLOCK_ACCESS_FS_REFER | truncate_file) &
      ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                     LANDLOCK_ACCESS_FS_MAKE_BLOCK};
  switch (access) {
    case FileAccess::read:
      return read;
    case FileAccess::execute:
      return read | LANDLOCK_ACCESS_FS_EXECUTE;
    case FileAccess::write:
      return write;
    case FileAccess::write_and_execute:
      return write | LANDLOCK_ACCESS_FS_EXECUTE;
  }
  __builtin_unreachable();
}

Result<UniqueFd> make_ruleset(const RulesetAttributes& attributes) {
  UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset.has_value()) return failure_from_errno("landlock_create_ruleset");
  return ruleset;
}

template <typename Rule>
Result<void> add_rule(const UniqueFd& ruleset, int type, const Rule& rule) {
  if (::syscall(SYS_landlock_add_rule, ruleset.get(), type, &rule, 0) != 0) {
    return failure_from_errno("landlock_add_rule");
  }
  return {};
}

}  // namespace

int landlock_abi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<void> restrict_with_ruleset(BorrowedFd ruleset) {
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return failure_from_errno("landlock_restrict_self");
  }
  return {};
}

Result<void> restrict_with_landlock(std::optional<BorrowedFd> readable,
                                    std::optional<BorrowedFd> also) {
  const auto ruleset = make_ruleset(everything_that(landlock_abi()));
  if (!ruleset) return failure(ruleset.error());
  for (const std::optional<BorrowedFd>& directory : {readable, also}) {
    if (!directory) continue;
    const ::landlock_path_beneath_attr rule{
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, directory->get()};
    if (auto r = add_rule(*ruleset, LANDLOCK_RULE_PATH_BENEATH, rule); !r) return r;
  }
  return restrict_with_ruleset(ruleset->borrow());
}

bool landlock_knows_ports() {
  return everything_that(landlock_abi()).handled_ports != 0;
}

Result<void> restrict_reach_of_programs() {
  const RulesetAttributes all = everything_that(landlock_abi());
  // Every layer denies to move files between folders, whether it handles files or not.
  const std::uint64_t move = all.handled_files & LANDLOCK_ACCESS_FS_REFER;
  // Who may be connected to is not for the file system to say.
  const RulesetAttributes attributes{move, all.handled_ports & bind_tcp, all.scoped};
  // The oldest version has nothing of this, and an empty set is an error.
  if (move == 0) return {};
  const auto ruleset = make_ruleset(attributes);
  if (!ruleset) return failure(ruleset.error());
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.has_value()) return failure_from_errno("open", "/");
  const ::landlock_path_beneath_attr everywhere{move, root.get()};
  if (auto r = add_rule(*ruleset, LANDLOCK_RULE_PATH_BENEATH, everywhere); !r) return r;
  constexpr std::uint64_t port_of_the_kernels_choice = 0;
  if (attributes.handled_ports != 0) {
    const PortRule rule{bind_tcp, port_of_the_kernels_choice};
    if (auto r = add_rule(*ruleset, port_rule, rule); !r) return r;
  }
  return restrict_with_ruleset(ruleset->borrow());
}

Result<UniqueFd> make_ruleset_of_programs(std::span<const PermittedPath> permitted,
                                          PermittedPorts connect) {
  if (connect && !landlock_knows_ports()) {
    return failure({"restrict", "connecting: it takes Linux 6.7", 0});
  }
  const RulesetAttributes attributes{everything_that(landlock_abi()).handled_files,
                                     connect ? connect_tcp : 0, 0};
  auto ruleset = make_ruleset(attributes);
  if (!ruleset) return ruleset;
  for (const PermittedPath& path : permitted) {
    struct ::stat status;
    if (::fstat(path.fd.get(), &status) != 0) return failure_from_errno("fstat");
    std::uint64_t rights = rights_of(path.access) & attributes.handled_files;
    if (!S_ISDIR(status.st_mode)) rights &= rights_of_files;
    const ::landlock_path_beneath_attr rule{rights, path.fd.get()};
    if (auto r = add_rule(*ruleset, LANDLOCK_RULE_PATH_BENEATH, rule); !r) {
      return failure(r.error());
    }
  }
  for (const std::uint16_t port : connect.value_or(std::span<const std::uint16_t>())) {
    const PortRule rule{connect_tcp, port};
    if (auto r = add_rule(*ruleset, port_rule, rule); !r) return failure(r.error());
  }
  return ruleset;
}

}  // namespace perchild
