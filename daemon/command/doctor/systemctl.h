// systemctl(1), asked for what it knows of a unit.
//
// Runs in: command.
// Trusts: systemd.
#pragma once

#include <optional>
#include <string>

namespace perchild {

// Lines of NAME=VALUE, of the names in `properties`, which commas part. Nullopt if it does not
// answer.
std::optional<std::string> show_unit(const std::string& unit, const std::string& properties);

}  // namespace perchild
