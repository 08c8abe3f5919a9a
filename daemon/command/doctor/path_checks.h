// Who could put another file in the place of one that root's or the service's processes trust.
//
// Runs in: command. Looks at nothing itself.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "daemon/command/doctor/finding.h"
#include "daemon/command/doctor/path_facts.h"
#include "policy/ids.h"

namespace perchild {

struct PathTrust {
  std::string area;
  std::string what;  // "the configuration": is named where it is not there
  std::string why;   // why it matters who can write it
  Uid owner{0};      // who may own and write it besides root
  // What is at the end of the path is what matters, not what lies in it: in the folders before it
  // the bit t is enough of a protection.
  bool end_is_strict = true;
  // Whose members may write it too: nobody but the owner is in it.
  std::optional<Gid> own_group{};
};

// One finding for each folder or file, however many paths lead by it; of a path the first that is
// wrong.
class PathChecks {
 public:
  explicit PathChecks(Diagnosis& diagnosis) : diagnosis_(diagnosis) {}

  void check_writers(const std::string& path, const PathFacts& facts, const PathTrust& trust);
  // Of a secret: who can read the file at the end of the path.
  void check_readers(const std::string& path, const PathFacts& facts, const PathTrust& trust);

 private:
  bool first_time(const std::string& what) { return said_.insert(what).second; }
  Diagnosis& diagnosis_;
  std::set<std::string> said_;
};

// "0640"
std::string mode_text(::mode_t mode);

}  // namespace perchild
