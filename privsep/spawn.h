// Starts a child: fork, into namespaces of its own if its role has them, descriptors into their
// places, ids, exec. Or vfork and exec, and the child takes its ids itself.
//
// Runs in: master; between fork and exec in the child.
// Trusts: the master's own table. Nothing that a child or a client said reaches an argument here.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "privsep/child_namespaces.h"
#include "privsep/child_start.h"
#include "privsep/lock_down.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

struct SpawnPlan {
  Role role;
  Identity identity;                       // out here, if its ids come later
  BorrowedFd executable;                   // O_PATH
  std::string title;                       // argv[0], for ps
  std::vector<PlacedFd> fds;               // numbers from 0, without gaps
  std::vector<std::string> environment{};  // the whole of it
  std::optional<BorrowedFd> cgroup{};      // the control group that it is to live in
  // vfork: a fork copies the master's page tables, and each page that either then writes to, while
  // the site's first visitor waits. The master stands still until the exec, so nobody else may have
  // a say about the child before that: it keeps the master's ids, and what drop_to_identity() needs
  // (privsep/identity_memory.h).
  bool drops_after_exec = false;
};

struct SpawnedProcess {
  ::pid_t pid;
  UniqueFd pidfd;
  std::optional<IdMapFiles> id_maps{};  // of a role whose ids come later
};

// The error is the master's own, or, where the child drops after its exec, what has kept it from
// that. Another child that fails before its exec says why on stderr and exits 127.
Result<SpawnedProcess> spawn(const SpawnPlan& plan);

// This process becomes `executable`, with an empty environment but for what is given. Returns only
// to say why not.
SysError execute(BorrowedFd executable, const std::string& title,
                 const std::vector<std::string>& environment);

}  // namespace perchild
