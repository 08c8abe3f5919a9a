// What a process needs to stand where one of the service's stands, step by step.
#pragma once

#include <string>

#include "policy/ids.h"
#include "policy/role_policy.h"
#include "privsep/lock_down.h"
#include "privsep/user_namespace.h"
#include "test/support/server.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

inline constexpr ::gid_t disk_gid = 6;

// The tenants' range and the two services, as the command maps them for test/support/server.h.
IdMap service_ids();

// uid and gid of the site whose folder TenantFolder is.
Identity tenant();

// A system-call filter that lets everything pass: what the other walls do can be seen behind it.
std::string permit_everything();

// In a child: into a user namespace with service_ids().
bool enter_service_namespace();

// In a child: a process of the master's ids and capabilities there, who alone starts others.
bool become_master();

// In a child: become_master(), drop_to_identity(), and what exec does to dumpable.
bool stand_where_exec_ends(Role role, const Identity& identity);

// A docroot of the tenant's, with one readable file "index.html"; open, as lock_down() wants it.
class TenantFolder {
 public:
  TenantFolder();
  BorrowedFd fd() const { return fd_.borrow(); }
  const std::string& path() const { return folder_.path(); }

 private:
  TemporaryDirectory folder_;
  UniqueFd fd_;
};

}  // namespace perchild::test
