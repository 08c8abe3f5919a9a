// What the master knows of the sites: whom to start, under which ids, where they log. It knows
// neither hosts nor files; a worker's settings pass through it unread.
//
// Runs in: command (packs), master (unpacks at its start).
// Trusts: the command, which made it as root out of the checked configuration.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"
#include "policy/ids.h"
#include "privsep/cgroup.h"

namespace perchild {

struct SiteRecord {
  TenantUid uid;
  Gid gid;
  std::vector<Gid> groups{};
  std::string name{};  // its first host, of [a-z0-9._-] and at most one '*': also a file name
  SiteLife life{};
  CgroupLimits limits{};
  std::string_view settings{};  // packed SiteSettings; points into the table
};

struct SiteTable {
  std::vector<SiteRecord> sites;  // SiteId is the index
  std::uint32_t listeners = 0;
  std::uint32_t routers = 1;
  IdRange id_range{};
  ServiceIds router{};
  std::chrono::milliseconds drain{0};
  GroupLimits groups{};
  bool has_cgroups = false;        // each site gets a control group
  ControllerMask controllers = 0;  // of these

  std::string pack() const;
  // Nullopt if `bytes`, which must outlive the table, is not what pack() gives.
  static std::optional<SiteTable> unpack(std::string_view bytes);
};

}  // namespace perchild
