#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "privsep/syscall_filter.h"

namespace perchild {

Result<void> load_syscall_filter(std::string_view program) {
  if (program.empty() || program.size() % sizeof(::sock_filter) != 0 ||
      program.size() / sizeof(::sock_filter) > BPF_MAXINSNS) {
    return failure({"load", "system-call filter of an impossible size", 0});
  }
  std::vector<::sock_filter> instructions(program.size() / sizeof(::sock_filter));
  std::memcpy(instructions.data(), program.data(), program.size());
  const ::sock_fprog prog{static_cast<unsigned short>(instructions.size()), instructions.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0) {
    return failure_from_errno("seccomp");
  }
  return {};
}

}  // namespace perchild
