// Snapshots of servers that never were.
#pragma once

#include <string>

#include "daemon/command/control/snapshot.h"

namespace perchild::test {

inline SiteStatus site_named(const std::string& name) {
  SiteStatus site{};
  site.name = FixedText<256>::of(name);
  return site;
}

// One that has served so many requests, each in a millisecond.
inline SiteStatus busy_site(const std::string& name, std::uint64_t requests) {
  SiteStatus site = site_named(name);
  site.state = SiteState::serving;
  site.processes = 1;
  site.cpu_us = 1000 * requests;
  site.memory = 300'000;
  site.traffic.requests[2] = requests;
  site.traffic.bytes_in = 100 * requests;
  site.traffic.bytes_out = 1000 * requests;
  site.traffic.latency.add(std::chrono::milliseconds(1), requests);
  return site;
}

inline Snapshot snapshot_of(std::vector<SiteStatus> sites, int seconds = 0) {
  Snapshot snapshot{.version = "1.2.3", .pid = 7, .server = {}, .sites = std::move(sites)};
  snapshot.server.sites = static_cast<std::uint32_t>(snapshot.sites.size());
  snapshot.taken_at += std::chrono::seconds(seconds);
  return snapshot;
}

}  // namespace perchild::test
