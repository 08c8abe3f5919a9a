#include "daemon/command/serve/program_walls.h"

#include "daemon/command/serve/tables.h"
#include "privsep/child_namespaces.h"

namespace perchild {

std::string named_sites(const Configuration& configuration, bool (*is_meant)(const Site&)) {
  std::string named;
  std::size_t others = 0;
  for (const Site& site : configuration.sites) {
    if (site.hosts.empty() || !is_meant(site)) continue;
    if (named.empty()) {
      named = name_of(site);
    } else {
      ++others;
    }
  }
  if (others != 0)
    named += " and of " + std::to_string(others) + (others == 1 ? " other" : " others");
  return named;
}

std::string why_programs_cannot_start() {
  const auto tried = try_own_namespaces();
  return tried ? std::string() : tried.error().text();
}

std::optional<std::string> warning_of_programs(const Configuration& configuration,
                                               const std::string& why) {
  if (why.empty()) return std::nullopt;
  const std::string sites =
      named_sites(configuration, [](const Site& site) { return !site.programs.empty(); });
  if (sites.empty()) return std::nullopt;
  return "programs of " + sites + " will not start: " + why +
         " (under systemd, packaging/programs.conf permits it, from the next restart on)";
}

}  // namespace perchild
