#include "test/privsep/service_namespace.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

namespace perchild::test {

IdMap service_ids() {
  IdMap map;
  map.add({20000, 20999});
  map.add(master_uid);
  map.add(router_uid);
  return map;
}

Identity tenant() {
  return {Uid{uid_a}, Gid{uid_a}, {}};
}

std::string permit_everything() {
  const ::sock_filter permit = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  return {reinterpret_cast<const char*>(&permit), sizeof permit};
}

bool enter_service_namespace() {
  return enter_user_namespace(service_ids(), service_ids(), Uid{master_uid}).has_value();
}

bool become_master() {
  return enter_service_namespace() &&
         drop_to_identity(Role::master, {Uid{master_uid}, Gid{master_uid}, {}}).has_value();
}

bool stand_where_exec_ends(Role role, const Identity& identity) {
  // A change of uid takes dumpable away, the exec that follows it gives it back.
  return become_master() && drop_to_identity(role, identity).has_value() &&
         ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

TenantFolder::TenantFolder() {
  const std::string file = folder_.write("index.html", "of the tenant");
  if (::chown(path().c_str(), uid_a, uid_a) != 0 || ::chown(file.c_str(), uid_a, uid_a) != 0) {
    throw std::runtime_error("chown");
  }
  fd_ = UniqueFd(::open(path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace perchild::test
