#include "daemon/command/serve/tables.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "daemon/command/serve/executables.h"
#include "daemon/command/serve/listeners.h"
#include "daemon/command/serve/quotas.h"
#include "policy/id_map.h"
#include "privsep/messages.h"
#include "privsep/sealed_memory.h"
#include "privsep/syscall_filter.h"
#include "vhosts/sites/checker_settings.h"
#include "vhosts/sites/route_table.h"
#include "vhosts/sites/router_settings.h"
#include "vhosts/sites/runner_settings.h"
#include "vhosts/sites/site_settings.h"
#include "vhosts/sites/spare_settings.h"
#include "vhosts/tls/key_ring.h"

namespace perchild {

std::string name_of(const Site& site) {
  const HostPattern& first = site.hosts.front();
  std::string name(first.wildcard ? "*." : "");
  return name.append(first.name.view());
}

namespace {

std::uint32_t routers_of(const Configuration& configuration) {
  if (configuration.router_limits.routers != 0) return configuration.router_limits.routers;
  return std::clamp<std::uint32_t>(std::thread::hardware_concurrency(), 1, max_routers);
}

// Empty for a site without passwords, which has no checker.
std::string pack_for_checker(const Configuration& configuration, const Site& site) {
  if (site.password_lists.empty()) return {};
  return CheckerSettings{site.password_lists, configuration.mechanisms.landlock}.pack();
}

// Those of a site whose programs have calls of their own; both empty where they have none.
struct ProgramFilters {
  std::string filter;    // the runner's
  std::string refusals;  // on top of that
};

// By their paths; "" where no site uses them.
struct ProgramHelpers {
  std::string sendmail;
  std::string fork_server;
  std::map<ProgramCalls, ProgramFilters> filters{};  // each that some site has
};

// With those that the runner itself connects to, whose walls are its programs' too.
std::optional<std::vector<std::uint16_t>> connect_ports_of(const Site& site) {
  auto ports = site.connect_ports;
  if (!ports) return ports;
  for (const ProgramSettings& program : site.programs) {
    if (const std::uint16_t port = port_of(program); port != 0) ports->push_back(port);
  }
  if (site.mail) ports->push_back(site.mail->port);
  return ports;
}

// Empty for a site without programs, which has no runner.
std::string pack_for_runner(const Configuration& configuration, const Site& site,
                            const ProgramHelpers& helpers) {
  if (site.programs.empty()) return {};
  const ProgramFilters& filters = helpers.filters.at(site.calls);
  return RunnerSettings{site.root,
                        site.programs,
                        site.writable_folders,
                        site.executable_folders,
                        site.tmp,
                        connect_ports_of(site),
                        site.limits.quota,
                        site.limits.log,
                        configuration.mechanisms.landlock,
                        site.mail,
                        helpers.sendmail,
                        helpers.fork_server,
                        filters.filter,
                        filters.refusals}
      .pack();
}

CgroupLimits limits_of(const Site& site) {
  const SiteQuota& quota = site.limits.quota;
  return {quota, disk_of(site)};
}

std::string text_of(ServiceIds ids) {
  return std::to_string(ids.uid.value) + ":" + std::to_string(ids.gid.value);
}

std::vector<FixedFact> fixed_facts_of(const Configuration& configuration) {
  return {{"log_dir", configuration.log_dir},
          {"runtime_dir", configuration.runtime_dir},
          {"acme_webroot",
           configuration.acme_webroot.empty() ? "left out" : configuration.acme_webroot},
          {"service_ids",
           text_of(configuration.master) + " and " + text_of(configuration.router) +
               (configuration.keeper ? " and " + text_of(*configuration.keeper) : std::string()) +
               (configuration.spare ? " and " + text_of(*configuration.spare) : std::string())},
          {"router.processes", std::to_string(routers_of(configuration))}};
}

// Of sessions that are in memory.
std::chrono::milliseconds session_of(const Site& site) {
  return site.tmp.empty() ? longest_session(site.programs) : std::chrono::milliseconds(0);
}

SiteRecord record_of(const Site& site) {
  if (site.hosts.empty()) return {.uid = site.uid, .gid = site.gid};  // a number that none has
  return {.uid = site.uid,
          .gid = site.gid,
          .groups = site.groups,
          .name = name_of(site),
          .life = site.life,
          .limits = limits_of(site),
          .has_keys = !site.certificates.empty(),
          .plain_http2 = site.plain_http2,
          .session = session_of(site)};
}

// What a service has from its start on, and keeps over reloads.
SiteTable lasting_facts(const Configuration& configuration, const DelegatedCgroup& cgroups,
                        const StartFacts& start) {
  const IdMaps maps = make_id_maps(configuration);
  return {.sites = {},
          .listeners = {},
          .has_cgroups = cgroups.directory.has_value(),
          .controllers = cgroups.controllers,
          .no_programs = start.no_programs,
          .binds_ports = start.binds_ports,
          .passed = start.passed,
          .allowable_calls = calls_allowed_in(configuration),
          .uids = maps.uids.extents(),
          .gids = maps.gids.extents()};
}

SiteTable lasting_facts(const SiteTable& running) {
  return {.sites = {},
          .generation = Generation{running.generation.value + 1},
          .listeners = {},
          .has_cgroups = running.has_cgroups,
          .controllers = running.controllers,
          .no_programs = running.no_programs,
          .binds_ports = running.binds_ports,
          .passed = running.passed,
          .allowable_calls = running.allowable_calls,
          .uids = running.uids,
          .gids = running.gids};
}

bool has_forking_program(const Site& site) {
  return std::any_of(site.programs.begin(), site.programs.end(),
                     [](const ProgramSettings& program) { return program.forks; });
}

Result<ProgramFilters> compile_filters(const ProgramCalls& calls) {
  ProgramFilters filters;
  if (!calls.allow.empty()) {
    auto filter = compile_syscall_filter(Role::runner, calls.allow);
    if (!filter) return failure(filter.error());
    filters.filter = std::move(*filter);
  }
  if (!calls.forbid.empty()) {
    auto refusals = compile_refusals(calls.forbid);
    if (!refusals) return failure(refusals.error());
    filters.refusals = std::move(*refusals);
  }
  return filters;
}

Result<ProgramHelpers> find_helpers(const Configuration& configuration) {
  ProgramHelpers helpers;
  const auto find = [&](const char* name, std::string& path, auto uses) -> Result<void> {
    if (std::none_of(configuration.sites.begin(), configuration.sites.end(), uses)) return {};
    auto found = find_executable(name);
    if (!found) return failure(found.error());
    path = std::move(*found);
    return {};
  };
  auto found = find("perchild-sendmail", helpers.sendmail,
                    [](const Site& site) { return site.mail.has_value(); });
  if (found) found = find("perchild-fork-server.so", helpers.fork_server, has_forking_program);
  if (!found) return failure(found.error());
  for (const Site& site : configuration.sites) {
    if (helpers.filters.contains(site.calls)) continue;
    auto filters = compile_filters(site.calls);
    if (!filters) return failure(filters.error());
    helpers.filters.emplace(site.calls, std::move(*filters));
  }
  return helpers;
}

// Of the first of the site's programs that can be loaded before. Empty if there is none.
std::string pack_for_spare(const Configuration& configuration, const Site& site,
                           const ProgramHelpers& helpers) {
  if (configuration.group_limits.spares == 0) return {};
  for (const ProgramSettings& program : site.programs) {
    const SpareSettings settings{program.command, program.environment, helpers.fork_server,
                                 configuration.mechanisms.landlock};
    if (settings.is_good_for(program)) return settings.pack();
  }
  return {};
}

// Those that most sites have a use for.
std::vector<std::string> kinds_of_spares(const Configuration& configuration,
                                         const ProgramHelpers& helpers) {
  std::map<std::string, std::size_t> sites;
  for (const Site& site : configuration.sites) {
    std::string kind = pack_for_spare(configuration, site, helpers);
    if (!kind.empty()) ++sites[std::move(kind)];
  }
  std::vector<std::pair<std::string, std::size_t>> all(sites.begin(), sites.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& one, const auto& other) { return one.second > other.second; });
  if (all.size() > SiteTable::most_spare_kinds) all.resize(SiteTable::most_spare_kinds);
  std::vector<std::string> kinds;
  for (auto& [kind, count] : all) kinds.push_back(std::move(kind));
  return kinds;
}

std::optional<std::uint8_t> kind_in(const std::vector<std::string>& kinds,
                                    const std::string& wanted) {
  const auto found = std::find(kinds.begin(), kinds.end(), wanted);
  if (found == kinds.end()) return std::nullopt;
  return static_cast<std::uint8_t>(std::distance(kinds.begin(), found));
}

std::string pack_site_table(const Configuration& configuration, const ProgramHelpers& helpers,
                            SiteTable table, const SiteTable* running) {
  const std::vector<SiteSettings> all_settings = site_settings_of(configuration);
  // The records' views point into them.
  std::vector<std::string> packed, packed_for_checkers, packed_for_runners;
  for (auto* list : {&packed, &packed_for_checkers, &packed_for_runners}) {
    list->reserve(all_settings.size());
  }
  // Where no program can start, no spare can.
  const std::vector<std::string> spares = table.no_programs.empty()
                                              ? kinds_of_spares(configuration, helpers)
                                              : std::vector<std::string>();
  table.spares.assign(spares.begin(), spares.end());
  table.spare = configuration.spare;
  table.routers = routers_of(configuration);
  table.id_range = configuration.id_range;
  table.router = configuration.router;
  table.keeper = configuration.keeper;
  table.drain = configuration.drain;
  table.groups = configuration.group_limits;
  table.fixed = fixed_facts_of(configuration);
  for (const Listener& listener : configuration.listeners) {
    table.listeners.push_back(text_of(listener.address));
  }
  for (std::size_t i = 0; i < configuration.sites.size(); ++i) {
    SiteRecord record = record_of(configuration.sites[i]);
    record.generation = table.generation.value;
    if (!record.is_hole()) {
      record.settings = packed.emplace_back(all_settings[i].pack());
      record.checker_settings =
          packed_for_checkers.emplace_back(pack_for_checker(configuration, configuration.sites[i]));
      record.runner_settings = packed_for_runners.emplace_back(
          pack_for_runner(configuration, configuration.sites[i], helpers));
      record.spare_kind =
          kind_in(spares, pack_for_spare(configuration, configuration.sites[i], helpers));
    }
    const bool unchanged =
        running != nullptr && i < running->sites.size() && running->sites[i].same_as(record);
    if (unchanged) record.generation = running->sites[i].generation;
    table.sites.push_back(std::move(record));
  }
  return table.pack();
}

Result<UniqueFd> make_filter(Role role, std::span<const std::string> allowed) {
  const auto program = compile_syscall_filter(role, allowed);
  if (!program) return failure(program.error());
  return make_sealed_memory("filter of " + std::string(name_of(role)), *program);
}

Result<SiteTables> make_site_tables(const Configuration& configuration, SiteTable facts,
                                    const SiteTable* running) {
  const RouterSettings router{configuration.router_limits, configuration.mechanisms.landlock};
  const auto helpers = find_helpers(configuration);
  if (!helpers) return failure(helpers.error());
  auto sites = make_sealed_memory(
      "sites", pack_site_table(configuration, *helpers, std::move(facts), running));
  if (!sites) return failure(sites.error());
  auto routes = make_sealed_memory("routes", pack_route_table(configuration));
  if (!routes) return failure(routes.error());
  auto settings = make_sealed_memory("router settings", router.pack());
  if (!settings) return failure(settings.error());
  auto keys = make_sealed_memory("keys", tls::pack_key_ring(configuration));
  if (!keys) return failure(keys.error());
  return SiteTables{std::move(*sites), std::move(*routes), std::move(*settings), std::move(*keys)};
}

}  // namespace

Result<SiteTables> make_site_tables(const Configuration& configuration,
                                    const DelegatedCgroup& cgroups, const StartFacts& start) {
  return make_site_tables(configuration, lasting_facts(configuration, cgroups, start), nullptr);
}

Result<SiteTables> make_site_tables(const Configuration& configuration, const SiteTable& running) {
  return make_site_tables(configuration, lasting_facts(running), &running);
}

std::vector<std::string> calls_allowed_in(const Configuration& configuration) {
  std::set<std::string> calls;
  for (const Site& site : configuration.sites) {
    if (site.programs.empty()) continue;
    for (const SyscallRule& rule : rules_to_allow(site.calls.allow)) calls.emplace(rule.name);
  }
  return {calls.begin(), calls.end()};
}

Result<Filters> make_filters(std::span<const std::string> allowed_to_programs) {
  Filters filters;
  for (const auto& [role, into] :
       {std::pair(Role::master, &filters.master), std::pair(Role::router, &filters.router),
        std::pair(Role::worker, &filters.worker), std::pair(Role::checker, &filters.checker),
        std::pair(Role::keeper, &filters.keeper), std::pair(Role::runner, &filters.runner)}) {
    // A filter is inherited for ever: what one site's programs may, the master must be able to pass
    // on.
    const bool passes_on = role == Role::master;
    auto filter =
        make_filter(role, passes_on ? allowed_to_programs : std::span<const std::string>());
    if (!filter) return failure(filter.error());
    *into = std::move(*filter);
  }
  return filters;
}

}  // namespace perchild
