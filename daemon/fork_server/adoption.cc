#include "daemon/fork_server/adoption.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace perchild {
namespace {

bool lower_limit(__rlimit_resource resource, ::rlim_t most) {
  ::rlimit limit;
  if (::getrlimit(resource, &limit) != 0) return false;
  limit.rlim_max = std::min(limit.rlim_max, most);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  return ::setrlimit(resource, &limit) == 0;
}

// The only ones that exist in this namespace. The uid last: whoever has changed it may no longer
// change the others.
bool take_ids(const AdoptionWalls& walls) {
  if (walls.group_count > AdoptionWalls::most_groups) {
    errno = EINVAL;
    return false;
  }
  static_assert(sizeof(::gid_t) == sizeof walls.groups[0]);
  return ::setgroups(walls.group_count, walls.groups) == 0 &&
         ::setresgid(walls.gid, walls.gid, walls.gid) == 0 &&
         ::setresuid(walls.uid, walls.uid, walls.uid) == 0;
}

// The bounding set is empty already.
bool drop_capabilities() {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return false;
  ::__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const ::__user_cap_data_struct none[2] = {};
  return ::syscall(SYS_capset, &header, none) == 0;
}

bool load_filter(BorrowedFd memory) {
  struct ::stat status;
  if (::fstat(memory.get(), &status) != 0) return false;
  const auto length = static_cast<std::size_t>(status.st_size);
  void* const mapped = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, memory.get(), 0);
  if (mapped == MAP_FAILED) return false;
  const ::sock_fprog program{static_cast<unsigned short>(length / sizeof(::sock_filter)),
                             static_cast<::sock_filter*>(mapped)};
  const bool loaded = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
  return ::munmap(mapped, length) == 0 && loaded;
}

}  // namespace

int take_step(const AdoptionPlace& place, std::span<const UniqueFd> fds) {
  const bool taken = ::write(fds[0].get(), "0", 1) == 1 &&
                     lower_limit(RLIMIT_NPROC, place.processes) &&
                     (place.memory == 0 || lower_limit(RLIMIT_DATA, place.memory));
  return taken ? 0 : errno;
}

int take_step(const AdoptionWalls& walls, std::span<const UniqueFd> fds) {
  const UniqueFd &directory = fds[0], &filter = fds[1], &refusals = fds[2], &ruleset = fds[3];
  // Traced by nobody before all of it is done; the change of ids says so, too.
  const bool taken =
      ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && take_ids(walls) && drop_capabilities() &&
      ::fchdir(directory.get()) == 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      (walls.has_ruleset == 0 || ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0) &&
      load_filter(filter.borrow()) &&
      // No forking program is refused what the rest asks for (policy/program_calls.h).
      (walls.has_refusals == 0 || load_filter(refusals.borrow())) &&
      ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
  return taken ? 0 : errno;
}

}  // namespace perchild
