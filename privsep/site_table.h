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
  std::uint32_t generation = 1;  // of the table in which it last changed
  bool has_keys = false;         // with the keeper
  bool plain_http2 = false;      // its workers need HTTP/2 without TLS
  // A session of PHP in memory is kept for so long after its last use; 0: there are none there.
  std::chrono::milliseconds session{0};
  std::string_view settings{};  // packed SiteSettings; points into the table
  // Packed CheckerSettings, likewise; empty if the site has no passwords to check.
  std::string_view checker_settings{};
  std::string_view runner_settings{};  // packed RunnerSettings; empty if it has no programs
  // Whose spares its runner can be made of: an index into `spares`, or none. No part of what the
  // site is: a spare saves time.
  std::optional<std::uint8_t> spare_kind{};

  // A number that no site has, or has any more. Its ids mean nothing.
  bool is_hole() const { return name.empty(); }
  // Whether it says the same of the same site.
  bool same_as(const SiteRecord& other) const {
    return uid == other.uid && gid == other.gid && groups == other.groups && name == other.name &&
           life == other.life && limits == other.limits && has_keys == other.has_keys &&
           plain_http2 == other.plain_http2 && session == other.session &&
           settings == other.settings && checker_settings == other.checker_settings &&
           runner_settings == other.runner_settings;
  }
};

// What a running service cannot change, in words: "log_dir", "/var/log/perchild".
struct FixedFact {
  std::string name;
  std::string value;
};

struct SiteTable {
  std::vector<SiteRecord> sites;  // SiteId is the index; a site keeps its number over reloads
  Generation generation{1};
  std::vector<std::string> listeners;  // "0.0.0.0:80", by number; empty for one that is no more
  std::uint32_t routers = 1;
  IdRange id_range{};
  ServiceIds router{};
  std::optional<ServiceIds> keeper{};  // there is one where a site has keys
  std::optional<ServiceIds> spare{};
  static constexpr std::size_t most_spare_kinds = 8;
  std::vector<std::string_view> spares{};  // packed SpareSettings, each of another kind
  std::chrono::milliseconds drain{0};
  GroupLimits groups{};
  bool has_cgroups = false;        // each site gets a control group
  ControllerMask controllers = 0;  // of these
  // For whoever prepares a reload: why no program of a site can start ("": they can), which system
  // calls sites can allow their programs, since the master's filter does, which ids exist in the
  // service's user namespace, and more that stays as it is.
  std::string no_programs{};
  bool binds_ports = true;  // false: the service manager alone does
  // The addresses whose sockets the service manager has bound and keeps, now or before a reload.
  std::vector<std::string> passed{};
  std::vector<std::string> allowable_calls{};
  std::vector<IdRange> uids{};
  std::vector<IdRange> gids{};
  std::vector<FixedFact> fixed{};

  std::string pack() const;
  // Nullopt if `bytes`, which must outlive the table, is not what pack() gives.
  static std::optional<SiteTable> unpack(std::string_view bytes);
};

}  // namespace perchild
