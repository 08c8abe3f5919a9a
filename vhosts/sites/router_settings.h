// What a router is told besides the route table.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/configuration.h"

namespace perchild {

struct RouterSettings {
  RouterLimits limits;
  Requirement landlock = Requirement::required;

  std::string pack() const;
  static std::optional<RouterSettings> unpack(std::string_view bytes);
};

}  // namespace perchild
