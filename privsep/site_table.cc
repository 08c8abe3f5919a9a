#include "privsep/site_table.h"

#include <algorithm>

#include "policy/packed.h"
#include "privsep/messages.h"

namespace perchild {
namespace {

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                  c == '_' || c == '*' || c == ':' || c == '[' || c == ']';
         });
}

void put_life(PackedWriter& writer, const SiteLife& life) {
  writer.put(static_cast<std::uint8_t>(life.start));
  writer.put(life.least_workers);
  writer.put(life.most_workers);
  writer.put_duration(life.idle);
  writer.put(static_cast<std::uint8_t>(life.suspended));
}

SiteLife read_life(PackedReader& reader) {
  SiteLife life;
  life.start = reader.get<std::uint8_t>() != 0 ? StartPolicy::always : StartPolicy::on_demand;
  life.least_workers = reader.get<std::uint32_t>();
  life.most_workers = reader.get<std::uint32_t>();
  life.idle = reader.get_duration();
  life.suspended = reader.get<std::uint8_t>() != 0;
  return life;
}

bool is_plausible(const SiteLife& life) {
  return life.least_workers >= 1 && life.least_workers <= life.most_workers &&
         life.most_workers <= max_workers && life.idle.count() > 0 &&
         life.idle <= std::chrono::hours(24);
}

// Most sites have none: a byte says so.
void put_limits(PackedWriter& writer, const CgroupLimits& limits) {
  const bool any = controllers_of(limits.quota) != 0;
  writer.put(static_cast<std::uint8_t>(any));
  if (!any) return;
  writer.put(limits.quota.memory);
  writer.put(limits.quota.processes);
  writer.put(limits.quota.cpu_percent);
  writer.put(limits.quota.io);
  writer.put(limits.device.major);
  writer.put(limits.device.minor);
}

CgroupLimits get_limits(PackedReader& reader) {
  CgroupLimits limits;
  if (reader.get<std::uint8_t>() == 0) return limits;
  limits.quota.memory = reader.get<std::uint64_t>();
  limits.quota.processes = reader.get<std::uint32_t>();
  limits.quota.cpu_percent = reader.get<std::uint32_t>();
  limits.quota.io = reader.get<std::uint64_t>();
  limits.device.major = reader.get<std::uint32_t>();
  limits.device.minor = reader.get<std::uint32_t>();
  return limits;
}

void put_ranges(PackedWriter& writer, const std::vector<IdRange>& ranges) {
  writer.put(static_cast<std::uint32_t>(ranges.size()));
  for (const IdRange range : ranges) {
    writer.put(range.first);
    writer.put(range.last);
  }
}

std::vector<IdRange> read_ranges(PackedReader& reader) {
  std::vector<IdRange> ranges;
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    const auto first = reader.get<std::uint32_t>();
    ranges.push_back({first, reader.get<std::uint32_t>()});
  }
  return ranges;
}

constexpr std::uint8_t no_spare_kind = 255;

// Both 0: there is none. False if only one is.
bool read_further_service(PackedReader& reader, std::optional<ServiceIds>& service) {
  const Uid uid{reader.get<std::uint32_t>()};
  const Gid gid{reader.get<std::uint32_t>()};
  if (uid.value != 0) service = ServiceIds{uid, gid};
  return (uid.value == 0) == (gid.value == 0);
}

std::optional<SiteRecord> read_site(PackedReader& reader, IdRange range) {
  const auto uid = TenantUid::make(Uid{reader.get<std::uint32_t>()}, range);
  if (!uid) return std::nullopt;
  SiteRecord site{.uid = *uid, .gid = Gid{reader.get<std::uint32_t>()}};
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    site.groups.push_back(Gid{reader.get<std::uint32_t>()});
  }
  site.name = reader.get_text();
  site.life = read_life(reader);
  site.limits = get_limits(reader);
  site.generation = reader.get<std::uint32_t>();
  site.has_keys = reader.get<std::uint8_t>() != 0;
  site.plain_http2 = reader.get<std::uint8_t>() != 0;
  site.session = reader.get_duration();
  site.settings = reader.get_text();
  site.checker_settings = reader.get_text();
  site.runner_settings = reader.get_text();
  const auto spare_kind = reader.get<std::uint8_t>();
  if (spare_kind != no_spare_kind) site.spare_kind = spare_kind;
  if (!reader.failed() && site.is_hole() && site.settings.empty()) return site;
  const bool plausible = !reader.failed() && is_file_name(site.name) && is_plausible(site.life) &&
                         site.gid.value != 0 && !site.settings.empty() && site.session.count() >= 0;
  return plausible ? std::optional(site) : std::nullopt;
}

}  // namespace

std::string SiteTable::pack() const {
  PackedWriter writer;
  writer.put(generation.value);
  writer.put_texts(listeners);
  put_ranges(writer, uids);
  put_ranges(writer, gids);
  writer.put(static_cast<std::uint32_t>(fixed.size()));
  for (const FixedFact& fact : fixed) {
    writer.put_text(fact.name);
    writer.put_text(fact.value);
  }
  writer.put(routers);
  writer.put(id_range.first);
  writer.put(id_range.last);
  writer.put(router.uid.value);
  writer.put(router.gid.value);
  const ServiceIds none{Uid{0}, Gid{0}};
  for (const auto& service : {keeper, spare}) {
    writer.put(service.value_or(none).uid.value);
    writer.put(service.value_or(none).gid.value);
  }
  writer.put(static_cast<std::uint32_t>(spares.size()));
  for (const std::string_view settings : spares) writer.put_text(settings);
  writer.put_duration(drain);
  writer.put(groups.running);
  writer.put(groups.memory);
  writer.put(groups.starts_per_second);
  writer.put(groups.spares);
  writer.put(groups.sessions);
  writer.put(static_cast<std::uint8_t>(has_cgroups));
  writer.put(controllers);
  writer.put_text(no_programs);
  writer.put(static_cast<std::uint8_t>(binds_ports));
  writer.put_texts(passed);
  writer.put_texts(allowable_calls);
  writer.put(static_cast<std::uint32_t>(sites.size()));
  for (const SiteRecord& site : sites) {
    writer.put(site.uid.uid().value);
    writer.put(site.gid.value);
    writer.put(static_cast<std::uint32_t>(site.groups.size()));
    for (Gid gid : site.groups) writer.put(gid.value);
    writer.put_text(site.name);
    put_life(writer, site.life);
    put_limits(writer, site.limits);
    writer.put(site.generation);
    writer.put(static_cast<std::uint8_t>(site.has_keys));
    writer.put(static_cast<std::uint8_t>(site.plain_http2));
    writer.put_duration(site.session);
    writer.put_text(site.settings);
    writer.put_text(site.checker_settings);
    writer.put_text(site.runner_settings);
    writer.put(site.spare_kind.value_or(no_spare_kind));
  }
  return writer.take();
}

std::optional<SiteTable> SiteTable::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  SiteTable table;
  table.generation = Generation{reader.get<std::uint32_t>()};
  table.listeners = reader.get_texts();
  table.uids = read_ranges(reader);
  table.gids = read_ranges(reader);
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    std::string name(reader.get_text());
    table.fixed.push_back({std::move(name), std::string(reader.get_text())});
  }
  table.routers = reader.get<std::uint32_t>();
  table.id_range.first = reader.get<std::uint32_t>();
  table.id_range.last = reader.get<std::uint32_t>();
  table.router.uid = Uid{reader.get<std::uint32_t>()};
  table.router.gid = Gid{reader.get<std::uint32_t>()};
  bool good_services = read_further_service(reader, table.keeper);
  good_services &= read_further_service(reader, table.spare);
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    table.spares.push_back(reader.get_text());
  }
  table.drain = reader.get_duration();
  table.groups.running = reader.get<std::uint32_t>();
  table.groups.memory = reader.get<std::uint64_t>();
  table.groups.starts_per_second = reader.get<std::uint32_t>();
  table.groups.spares = reader.get<std::uint32_t>();
  table.groups.sessions = reader.get<std::uint64_t>();
  table.has_cgroups = reader.get<std::uint8_t>() != 0;
  table.controllers = reader.get<ControllerMask>();
  table.no_programs = reader.get_text();
  table.binds_ports = reader.get<std::uint8_t>() != 0;
  table.passed = reader.get_texts();
  table.allowable_calls = reader.get_texts();
  const std::uint32_t count = reader.get_count();
  table.sites.reserve(count);
  for (std::uint32_t left = count; left > 0; --left) {
    auto site = read_site(reader, table.id_range);
    if (!site || (site->has_keys && !table.keeper)) return std::nullopt;
    if (site->spare_kind && *site->spare_kind >= table.spares.size()) return std::nullopt;
    table.sites.push_back(std::move(*site));
  }
  const bool plausible = reader.done() && table.generation.value >= 1 &&
                         table.listeners.size() <= max_listeners && table.routers >= 1 &&
                         table.routers <= max_routers && table.controllers <= every_controller &&
                         table.router.uid.value != 0 && table.router.gid.value != 0 &&
                         good_services && table.spares.size() <= most_spare_kinds &&
                         (table.spares.empty() || table.spare) && table.groups.running >= 1 &&
                         table.groups.starts_per_second >= 1 && count >= 1 && count <= max_sites;
  return plausible ? std::optional(std::move(table)) : std::nullopt;
}

}  // namespace perchild
