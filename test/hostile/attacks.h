// What somebody who has taken over a process would try. The tests make the same attacks where a
// defence stands and where it does not.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <string>

namespace perchild::test {

// Makes the attack. 0 if it worked, the errno if not; EPERM where it failed without one. `argument`
// is what it is aimed at: a path, a pid, an id, a port.
int attack(const std::string& name, const std::string& argument);

// Of a call that returns -1 where it fails.
inline int result_of(long status) {
  return status >= 0 ? 0 : errno;
}

using Attack = int (*)(const std::string& argument);

// Those on the memory, descriptors and life of another process; nullptr for other names.
Attack attack_on_process(const std::string& name);
// Those on what all users of a machine share but its files; nullptr for other names.
Attack attack_on_neighbour(const std::string& name);
// Those on the kernel, and on what it has for all of the machine; nullptr for other names.
Attack attack_on_machine(const std::string& name);

}  // namespace perchild::test
