// What the configuration becomes for the processes that live by it: sealed memory.
//
// Runs in: command.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "privsep/cgroup.h"
#include "privsep/result.h"
#include "privsep/site_table.h"
#include "privsep/unique_fd.h"

namespace perchild {

// By which a site is known: its first host, "*.example" for a wildcard.
std::string name_of(const Site& site);

struct SiteTables {
  UniqueFd sites;            // SiteTable, for the master
  UniqueFd routes;           // RouteTable, for routers
  UniqueFd router_settings;  // RouterSettings
  UniqueFd keys;             // tls::KeyRing, for the keeper
};

// What a service finds at its start, and keeps (SiteTable).
struct StartFacts {
  std::string no_programs{};
  bool binds_ports = true;
  std::vector<std::string> passed{};
};

// For a start.
Result<SiteTables> make_site_tables(const Configuration& configuration,
                                    const DelegatedCgroup& cgroups, const StartFacts& start);
// For a reload of what goes by `running`, whose numbers the configuration's sites and listeners
// have been given. Sites that say the same keep their generation.
Result<SiteTables> make_site_tables(const Configuration& configuration, const SiteTable& running);

// The system calls that some sites allow their programs, by their names: what the master's filter
// has to allow besides.
std::vector<std::string> calls_allowed_in(const Configuration& configuration);

// System-call filters, a role each.
struct Filters {
  UniqueFd master, router, worker, checker, keeper, runner;
};
Result<Filters> make_filters(std::span<const std::string> allowed_to_programs = {});

}  // namespace perchild
