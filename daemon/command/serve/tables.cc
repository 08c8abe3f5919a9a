#include "daemon/command/serve/tables.h"

#include <algorithm>
#include <array>
#include <thread>

#include "daemon/command/serve/quotas.h"
#include "privsep/messages.h"
#include "privsep/sealed_memory.h"
#include "privsep/site_table.h"
#include "privsep/syscall_filter.h"
#include "vhosts/sites/route_table.h"
#include "vhosts/sites/router_settings.h"
#include "vhosts/sites/site_settings.h"

namespace perchild {
namespace {

std::string name_of(const Site& site) {
  const HostPattern& first = site.hosts.front();
  std::string name(first.wildcard ? "*." : "");
  return name.append(first.name.view());
}

std::uint32_t routers_of(const Configuration& configuration) {
  if (configuration.router_limits.routers != 0) return configuration.router_limits.routers;
  return std::clamp<std::uint32_t>(std::thread::hardware_concurrency(), 1, max_routers);
}

CgroupLimits limits_of(const Site& site) {
  const SiteQuota& quota = site.limits.quota;
  return {quota, quota.io != 0 ? disk_of(site.root) : BlockDevice{}};
}

std::string pack_site_table(const Configuration& configuration, const DelegatedCgroup& cgroups) {
  const std::vector<SiteSettings> all_settings = site_settings_of(configuration);
  std::vector<std::string> packed;  // the records' views point into it
  packed.reserve(all_settings.size());
  SiteTable table{.sites = {},
                  .listeners = static_cast<std::uint32_t>(configuration.listeners.size()),
                  .routers = routers_of(configuration),
                  .id_range = configuration.id_range,
                  .router = configuration.router,
                  .drain = configuration.drain,
                  .groups = configuration.group_limits,
                  .has_cgroups = cgroups.directory.has_value(),
                  .controllers = cgroups.controllers};
  for (std::size_t i = 0; i < configuration.sites.size(); ++i) {
    const Site& site = configuration.sites[i];
    packed.push_back(all_settings[i].pack());
    table.sites.push_back({.uid = site.uid,
                           .gid = site.gid,
                           .groups = site.groups,
                           .name = name_of(site),
                           .life = site.life,
                           .limits = limits_of(site),
                           .settings = packed.back()});
  }
  return table.pack();
}

Result<UniqueFd> make_filter(Role role) {
  const auto program = compile_syscall_filter(role);
  if (!program) return failure(program.error());
  return make_sealed_memory("filter of " + std::string(name_of(role)), *program);
}

}  // namespace

Result<ServiceTables> make_tables(const Configuration& configuration,
                                  const DelegatedCgroup& cgroups) {
  const RouterSettings router{configuration.router_limits, configuration.mechanisms.landlock};
  ServiceTables tables;
  struct Part {
    UniqueFd& into;
    Result<UniqueFd> made;
  };
  for (Part& part : std::to_array<Part>(
           {{tables.sites, make_sealed_memory("sites", pack_site_table(configuration, cgroups))},
            {tables.routes, make_sealed_memory("routes", pack_route_table(configuration))},
            {tables.router_settings, make_sealed_memory("router settings", router.pack())},
            {tables.master_filter, make_filter(Role::master)},
            {tables.router_filter, make_filter(Role::router)},
            {tables.worker_filter, make_filter(Role::worker)}})) {
    if (!part.made) return failure(part.made.error());
    part.into = std::move(*part.made);
  }
  return tables;
}

}  // namespace perchild
