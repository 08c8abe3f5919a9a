// The unit as systemd has it, compared with the packaged one: a drop-in may have loosened it.
//
// Runs in: command. Looks at nothing itself but in check_unit().
#pragma once

#include <span>
#include <string_view>

#include "daemon/command/doctor/finding.h"
#include "daemon/command/doctor/path_checks.h"
#include "daemon/command/doctor/unit_properties.h"

namespace perchild {

inline constexpr const char* unit_name = "perchild.service";

struct UnitRule {
  const char* property;
  const char* wanted;  // as the packaged unit says it
  // Besides `wanted`: what is as good, a word each.
  const char* also = "";
  // `wanted` is a list of which no more may be permitted; fewer are for who runs it to try.
  bool is_list = false;
  const char* why;
};
std::span<const UnitRule> unit_rules();

void check_unit_properties(const UnitProperties& properties, Diagnosis& diagnosis);

// Asks systemd, where it runs.
void check_unit(PathChecks& paths, Diagnosis& diagnosis);

}  // namespace perchild
