// The files that a process of the service has open, and how many it may.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <set>
#include <string>

namespace perchild::test {

// By the texts of their links: "socket:[INODE]", "/path", "/memfd:NAME (deleted)", ...
std::multiset<std::string> open_files(::pid_t pid);

::rlimit limit_of_open_files(::pid_t pid);

// As the owner of the service's user namespace, who may do there what is not for others, unless
// they have CAP_SYS_RESOURCE.
void limit_open_files(::pid_t pid, ::rlimit limit);

}  // namespace perchild::test
