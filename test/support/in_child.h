// Runs a function in a process of its own, for what cannot be undone.
#pragma once

#include <sys/types.h>

#include <functional>

namespace perchild::test {

struct ChildEnd {
  bool exited = false;  // by itself
  int status = 0;       // exit status, or the signal that killed it
};

// Forks and calls `body`, whose value becomes the exit status. Gives up, and kills, after 30 s.
ChildEnd in_child(const std::function<int()>& body);

// The same with these ids and no supplementary groups.
ChildEnd in_child_as(::uid_t uid, ::gid_t gid, const std::function<int()>& body);

}  // namespace perchild::test
