#include "privsep/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

namespace perchild {
namespace {

constexpr int highest_possible = 63;

CapabilityMask joined(std::uint32_t low, std::uint32_t high) {
  return (CapabilityMask{high} << 32) | low;
}

}  // namespace

Result<CapabilitySets> read_capabilities() {
  ::__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  ::__user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return failure_from_errno("capget");
  return CapabilitySets{joined(data[0].effective, data[1].effective),
                        joined(data[0].permitted, data[1].permitted),
                        joined(data[0].inheritable, data[1].inheritable)};
}

Result<void> pass_on_capabilities(CapabilityMask passed_on) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return failure_from_errno("PR_CAP_AMBIENT_CLEAR_ALL");
  }
  for (int number = 0; number <= highest_possible; ++number) {
    if ((passed_on >> number & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) {
      return failure_from_errno("PR_CAP_AMBIENT_RAISE", std::to_string(number));
    }
  }
  return {};
}

Result<void> keep_only_capabilities(CapabilityMask kept) {
  // The ambient set first: it may only hold what is permitted and inheritable.
  if (auto r = pass_on_capabilities(0); !r) return r;
  const auto low = static_cast<std::uint32_t>(kept);
  const auto high = static_cast<std::uint32_t>(kept >> 32);
  ::__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  ::__user_cap_data_struct data[2] = {{low, low, low}, {high, high, high}};
  if (::syscall(SYS_capset, &header, data) != 0) return failure_from_errno("capset");
  return kept == 0 ? Result<void>() : pass_on_capabilities(kept);
}

Result<void> restrict_bounding_set(CapabilityMask kept) {
  for (int number = 0; number <= highest_possible; ++number) {
    const int held = ::prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (held < 0) break;  // EINVAL: the kernel knows no more capabilities
    if (held == 0 || (kept >> number & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) {
      return failure_from_errno("PR_CAPBSET_DROP", std::to_string(number));
    }
  }
  return {};
}

}  // namespace perchild
