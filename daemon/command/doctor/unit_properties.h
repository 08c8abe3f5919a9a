// What `systemctl show` says of a unit.
//
// Runs in: command.
// Trusts: systemd; but the text is read as one that may hold anything.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace perchild {

// NAME=VALUE lines; of several with one name the last. Others are left out.
using UnitProperties = std::map<std::string, std::string, std::less<>>;
UnitProperties parse_unit_properties(std::string_view text);

}  // namespace perchild
