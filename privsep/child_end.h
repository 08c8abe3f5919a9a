// The end of children, and what is heard of it.
//
// Runs in: master.
// Trusts: the kernel.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "privsep/unique_fd.h"

namespace perchild {

// SIGKILL, by its pidfd: its number may never mean another process.
void kill_child(BorrowedFd pidfd);

struct EndedChild {
  ::pid_t pid;
  int status;  // as of wait(2)
  std::chrono::microseconds cpu;
};

// One that has ended; nullopt if there is none for now. Its number may be another's from here on.
std::optional<EndedChild> reap_child();

}  // namespace perchild
