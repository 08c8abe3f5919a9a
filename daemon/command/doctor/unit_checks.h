// The units as systemd has them, compared with the packaged ones: a drop-in may have loosened the
// service's, or one that sites need may be missing (packaging/*.conf).
//
// Runs in: command. Looks at nothing itself but in check_unit().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

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
  // As packaging/programs.conf has it, or of a list what that adds; whether no program starts
  // without.
  const char* with_programs = nullptr;
  bool is_needed_by_programs = false;
  bool has_more_with_challenges = false;  // packaging/acme.conf
  const char* with_network = nullptr;     // likewise, packaging/network.conf
};
std::span<const UnitRule> unit_rules();

// What the configuration has that the packaged unit does not permit by itself.
struct UnitNeeds {
  bool programs = false;                 // of sites, which perchild starts: packaging/programs.conf
  bool challenges = false;               // "acme_webroot": packaging/acme.conf
  std::vector<std::string> calls{};      // system calls that sites allow their programs
  bool network = false;                  // backends at ports, or mail: packaging/network.conf
  std::vector<std::string> addresses{};  // of "listen", that this machine can have
};
// Whether the service has a network.
bool binds_ports(const UnitProperties& properties);
void check_unit_properties(const UnitProperties& properties, const UnitNeeds& needs,
                           Diagnosis& diagnosis);

// Asks systemd, where it runs.
void check_unit(PathChecks& paths, const UnitNeeds& needs, Diagnosis& diagnosis);

}  // namespace perchild
