// The start of a child in namespaces of its own (RolePolicy::own_namespaces). Their owner is the
// master's uid, so that nobody of the child's own uid outside has a say over them.
//
// Runs in: master; between clone and exec in the child; command (tries).
// Trusts: the policy tables, the kernel.
#pragma once

#include <sys/types.h>

#include <optional>

#include "policy/ids.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// The two files by which a user namespace is given its ids, once.
struct IdMapFiles {
  UniqueFd uids, gids;
};

// In the parent: `identity`'s, each mapped to itself, and no others.
Result<void> write_id_maps(const IdMapFiles& files, const Identity& identity);

// Between the two, until the child may go on.
class NamespaceGate {
 public:
  static Result<NamespaceGate> make();

  // In the child, which nobody but its parent can say anything for: waits until its ids exist.
  Result<void> wait_for_parent();

  // In the parent: the child's namespace gets its own ids, each mapped to itself, and no others;
  // the child its control group, to which it could not write itself; then it goes on. Waits for
  // nothing but the child's first steps.
  Result<void> let_through(::pid_t child, const Identity& identity,
                           std::optional<BorrowedFd> cgroup);
  // Likewise, without ids: in its namespace there are none before write_id_maps(). `own` is its uid
  // out here, to which the files belong.
  Result<IdMapFiles> let_through_without_ids(::pid_t child, Uid own);

 private:
  NamespaceGate(UniqueFd parent, UniqueFd child)
      : parent_end_(std::move(parent)), child_end_(std::move(child)) {}
  UniqueFd parent_end_;
  UniqueFd child_end_;
};

// fork(2) into new namespaces.
::pid_t fork_into_own_namespaces();

// The same, but in the namespace outside the child has these ids, of a service that is nothing but
// such children, and so has the owner of its namespaces. It is a child of this process all the
// same.
::pid_t fork_into_own_namespaces_as(ServiceIds ids);

// Whether there is a way to such a child: a container's filter or a service manager's may forbid
// it.
Result<void> try_own_namespaces();

}  // namespace perchild
