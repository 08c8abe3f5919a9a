// What `systemctl show` says of a unit.
//
// Runs in: command.
// Trusts: systemd; but the text is read as one that may hold anything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace perchild {

// NAME=VALUE lines; of several with one name the last. Others are left out.
using UnitProperties = std::map<std::string, std::string, std::less<>>;
UnitProperties parse_unit_properties(std::string_view text);
// Of a name that may stand there more than once: each, in their order.
std::vector<std::string> values_of(std::string_view name, std::string_view text);

}  // namespace perchild
