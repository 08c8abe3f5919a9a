// How many files a process of the service may open.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace perchild::test {

::rlimit limit_of_open_files(::pid_t pid);

// As the owner of the service's user namespace, who may do there what is not for others, unless
// they have CAP_SYS_RESOURCE.
void limit_open_files(::pid_t pid, ::rlimit limit);

}  // namespace perchild::test
