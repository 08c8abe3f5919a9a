// Gives the sites and listeners of a new configuration the numbers that they have in the running
// service, and says what is different.
//
// Runs in: command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "privsep/site_table.h"

namespace perchild {

// Orders `configuration.sites` by number. A site that runs keeps its number, by its name; one that
// is added takes a number that none has; a number that none has any more is a site without hosts.
// The same for `configuration.listeners`, by address: without one where the number is unused.
void number_like(const SiteTable& running, Configuration& configuration);

// Why the running service cannot go by `configuration` without a restart; empty if it can.
std::vector<std::string> reasons_to_restart(const SiteTable& running, const SiteTable& wanted,
                                            const Configuration& configuration);

struct SiteChanges {
  std::vector<std::string> added, changed, removed;
  std::size_t unchanged = 0;
};
SiteChanges compare_sites(const SiteTable& running, const SiteTable& wanted);

}  // namespace perchild
