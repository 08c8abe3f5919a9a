// Whether the walls of sites' programs can be made here, and what to say to whoever configures such
// sites where they cannot: under a unit as it is packaged for sites of files, their runners would
// fail one by one, at a visitor's request.
//
// Runs in: command (serve, reload).
// Trusts: the configuration, checked.
#pragma once

#include <optional>
#include <string>

#include "policy/configuration.h"

namespace perchild {

// "a.example", "a.example and of 2 others": the sites that `is_meant` says; "" if there is none.
std::string named_sites(const Configuration& configuration, bool (*is_meant)(const Site&));

// Why not, by trying; "" if they can. A running service stays under the walls of its start, so its
// site table keeps the answer for reloads.
std::string why_programs_cannot_start();

// Nullopt where none would, or nothing is in their way.
std::optional<std::string> warning_of_programs(const Configuration& configuration,
                                               const std::string& why);

}  // namespace perchild
