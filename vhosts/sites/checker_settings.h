// What a site's checker knows: its password lists. Packed by the command, carried through the
// master unread, unpacked by the checker. The site's worker is not told any of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"

namespace perchild {

struct CheckerSettings {
  std::vector<PasswordList> lists;
  Requirement landlock = Requirement::required;

  std::string pack() const;
  static std::optional<CheckerSettings> unpack(std::string_view bytes);
};

}  // namespace perchild
