// What a child does between fork and exec, whatever it is to become.
//
// Runs in: children of the master and of a runner.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// Those signals of this process that do not do what they do by themselves.
std::vector<int> changed_signals();

// Every signal does what it does by itself, and none is blocked: both would survive the exec.
// `changed`: changed_signals(), which asks for each, so that a child does not have to.
void reset_signals(std::span<const int> changed);

// Arguments or variables as exec takes them, with nullptr at the end. To be made before a vfork:
// what is allocated behind it stays allocated.
std::vector<char*> pointers_to(const std::vector<std::string>& texts);

struct PlacedFd {
  BorrowedFd fd;
  int number;  // what the child finds it as
};

// Gives this process exactly these descriptors, under these numbers, and no others. Numbers from 0,
// without gaps.
Result<void> place_fds(const std::vector<PlacedFd>& fds);

}  // namespace perchild
