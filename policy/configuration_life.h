// When sites' processes run: "workers", "start", "idle_timeout", "suspended" of a vhost, and
// "child_groups" of the whole.
#pragma once

#include "policy/configuration.h"
#include "policy/configuration_report.h"

namespace perchild {

// The keys that `object`, a vhost or "defaults", has of SiteLife.
void read_site_life(Report& report, JsonValue object, SiteLife& life);

void read_group_limits(Report& report, JsonValue value, GroupLimits& limits);

}  // namespace perchild
