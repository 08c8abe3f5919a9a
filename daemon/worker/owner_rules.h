// The settings that a site's owner keeps in his docroot: read anew when the file changes, and put
// together with the operator's.
//
// Runs in: worker.
// Does not trust: the owner. What he may say is bounded, and never widens what the operator says.
#pragma once

#include <cstdint>
#include <string>

#include "vhosts/files/file_facts.h"

namespace perchild {

class ServedSite;

class OwnerRules {
 public:
  // Once a turn of the loop, at the first request of it. A site that may not have such settings, or
  // has been looked at in this turn, costs nothing.
  void check(ServedSite& site);

  // The file is there and has mistakes, which its error log names: nothing can be served by it.
  bool are_broken() const { return broken_; }

 private:
  void look(ServedSite& site);
  void use(ServedSite& site, std::string text);
  void fail(ServedSite& site, std::string_view why, int error);
  void forget(ServedSite& site);

  std::uint64_t checked_ = 0;  // the turn
  bool is_there_ = false;
  bool broken_ = false;
  bool settled_ = false;  // a later change is bound to show in the facts
  files::FileFacts facts_{};
  std::string text_;
};

}  // namespace perchild
