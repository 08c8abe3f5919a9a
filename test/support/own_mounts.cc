#include "test/support/own_mounts.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <stdexcept>

#include "test/support/temporary_directory.h"

namespace perchild::test {

bool have_own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

void show_only_program(const std::string& folder, const std::string& place, const std::string& name,
                       const std::string& script) {
  const std::string shown = folder + "/" + name + ".d";
  const std::string program = shown + "/" + name;
  ::mkdir(shown.c_str(), 0755);
  write_file(program, script);
  ::chmod(program.c_str(), 0755);
  if (!have_own_mounts() || ::mount(shown.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    throw std::runtime_error("mount " + place);
  }
}

}  // namespace perchild::test
