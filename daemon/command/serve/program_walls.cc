#include "daemon/command/serve/program_walls.h"

#include "daemon/command/serve/tables.h"
#include "privsep/child_namespaces.h"

namespace perchild {

std::string why_programs_cannot_start() {
  const auto tried = try_own_namespaces();
  return tried ? std::string() : tried.error().text();
}

std::optional<std::string> warning_of_programs(const Configuration& configuration,
                                               const std::string& why) {
  if (why.empty()) return std::nullopt;
  std::string first;
  std::size_t others = 0;
  for (const Site& site : configuration.sites) {
    if (site.programs.empty()) continue;
    if (first.empty()) {
      first = name_of(site);
    } else {
      ++others;
    }
  }
  if (first.empty()) return std::nullopt;
  if (others != 0)
    first += " and of " + std::to_string(others) + (others == 1 ? " other" : " others");
  return "programs of " + first + " will not start: " + why +
         " (under systemd, packaging/programs.conf permits it, from the next restart on)";
}

}  // namespace perchild
