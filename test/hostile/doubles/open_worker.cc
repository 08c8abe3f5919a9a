// In place of perchild-worker: it is under the ids that it should be, and under a filter, so that
// the master believes it; but it leaves out the steps of the lock-down that the master does not ask
// for, and holds a device.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privsep/capabilities.h"
#include "privsep/channel.h"
#include "privsep/identity_memory.h"
#include "privsep/inherited_fds.h"
#include "privsep/messages.h"
#include "privsep/syscall_filter.h"

int main() {
  using namespace perchild;
  const ::sock_filter permit = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const bool prepared =
      take_identity(Role::worker, UniqueFd(ChildFds::identity)) &&
      ::prctl(PR_SET_DUMPABLE, 1) == 0 &&  // which a change of ids has undone
      ::open("/dev/zero", O_RDONLY) >= 0 && keep_only_capabilities(0) &&
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      load_syscall_filter({reinterpret_cast<const char*>(&permit), sizeof permit});
  if (!prepared) return 3;
  Channel<Worker, Master> master{UniqueFd(ChildFds::control)};
  const auto pid = static_cast<std::uint32_t>(::getpid());
  if (master.send(LockDownComplete{pid}) != SendStatus::sent) return 3;
  for (;;) ::pause();
}
