// What the configuration becomes for the processes that live by it: sealed memory.
//
// Runs in: command.
#pragma once

#include "policy/configuration.h"
#include "privsep/cgroup.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

struct ServiceTables {
  UniqueFd sites;            // SiteTable, for the master
  UniqueFd routes;           // RouteTable, for routers
  UniqueFd router_settings;  // RouterSettings
  UniqueFd master_filter;    // system-call filters
  UniqueFd router_filter;
  UniqueFd worker_filter;
};

Result<ServiceTables> make_tables(const Configuration& configuration,
                                  const DelegatedCgroup& cgroups);

}  // namespace perchild
