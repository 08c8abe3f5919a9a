// "canonical", "https", "hsts" and "trusted_proxies" of a vhost and of "defaults".
#pragma once

#include <span>

#include "policy/configuration_report.h"
#include "policy/reach_settings.h"

namespace perchild {

// Each that `object` has; the others stay.
void read_reach(Report& report, JsonValue object, ReachSettings& reach);

// Whether the vhost's own "canonical" suits its hosts.
void check_canonical(Report& report, JsonValue vhost, const ReachSettings& reach,
                     std::span<const HostPattern> hosts);

}  // namespace perchild
