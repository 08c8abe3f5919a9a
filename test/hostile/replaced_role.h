// The executables of a server, with a hostile program in place of one role.
#pragma once

#include <map>
#include <string>

#include "policy/role_policy.h"
#include "test/support/server.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

class ReplacedRole {
 public:
  explicit ReplacedRole(Role role);

  // For ServerSpec::bin.
  const std::string& bin() const { return folder_.path(); }
  // A file beside the executables, for the double.
  void write(const std::string& name, const std::string& contents, unsigned mode = 0644) const;
  void remove(const std::string& name) const;
  // A copy of id(1) beside the executables, setuid root.
  void add_setuid_program() const;

 private:
  TemporaryDirectory folder_;
};

// Text of the form "attack NAME ARGUMENT: RESULT", as doubles write it; the results by "NAME
// ARGUMENT".
std::map<std::string, int> reported_attacks(const std::string& text);

}  // namespace perchild::test
