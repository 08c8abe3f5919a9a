#include "vhosts/sites/site_settings.h"

#include <algorithm>
#include <unordered_map>

#include "policy/packed.h"
#include "vhosts/sites/certificate_owners.h"
#include "vhosts/sites/content_packing.h"
#include "vhosts/sites/reach_packing.h"

namespace perchild {
namespace {

void put_hosts(PackedWriter& writer, const std::vector<HostPattern>& hosts) {
  writer.put(static_cast<std::uint32_t>(hosts.size()));
  for (const HostPattern& host : hosts) {
    writer.put(static_cast<std::uint8_t>(host.wildcard));
    writer.put_text(host.name.view());
  }
}

bool get_hosts(PackedReader& reader, std::vector<HostPattern>& hosts) {
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    const bool wildcard = reader.get<std::uint8_t>() != 0;
    const auto name = HostName::parse(reader.get_text());
    if (!name) return false;
    hosts.push_back({*name, wildcard});
  }
  return true;
}

void put_compression(PackedWriter& writer, const CompressionSettings& compression) {
  writer.put(compression.precompressed.bits());
  writer.put(compression.on_the_fly.bits());
  writer.put(compression.min_size);
  writer.put(compression.gzip_level);
  writer.put(compression.brotli_quality);
  writer.put(static_cast<std::uint8_t>(compression.programs));
  writer.put_texts(compression.types);
}

CompressionSettings get_compression(PackedReader& reader) {
  CompressionSettings compression;
  compression.precompressed = CodingSet(reader.get<std::uint8_t>());
  compression.on_the_fly = CodingSet(reader.get<std::uint8_t>());
  compression.min_size = reader.get<std::uint64_t>();
  compression.gzip_level = reader.get<std::uint8_t>();
  compression.brotli_quality = reader.get<std::uint8_t>();
  compression.programs = reader.get<std::uint8_t>() != 0;
  compression.types = reader.get_texts();
  return compression;
}

void put_tls(PackedWriter& writer, const TlsSettings& tls) {
  writer.put(static_cast<std::uint8_t>(tls.least));
  writer.put(static_cast<std::uint32_t>(tls.ciphers.size()));
  for (const std::uint8_t cipher : tls.ciphers) writer.put(cipher);
}

bool get_tls(PackedReader& reader, TlsSettings& tls) {
  tls.least = static_cast<TlsVersion>(reader.get<std::uint8_t>());
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    tls.ciphers.push_back(reader.get<std::uint8_t>());
    if (tls.ciphers.back() >= tls_ciphers.size()) return false;
  }
  return tls.least <= TlsVersion::tls_1_3;
}

void put_programs(PackedWriter& writer, const std::vector<ProgramSettings>& programs) {
  writer.put(static_cast<std::uint32_t>(programs.size()));
  for (const ProgramSettings& program : programs) {
    writer.put(static_cast<std::uint8_t>(program.kind));
    writer.put(static_cast<std::uint8_t>(program.protocol));
    writer.put_text(program.name);
    writer.put(program.most_requests);
    writer.put_duration(program.idle);
    writer.put_duration(program.request);
    writer.put_duration(program.queue);
    writer.put(program.longest_queue);
    writer.put(program.most_kept);
  }
}

bool get_programs(PackedReader& reader, std::vector<ProgramSettings>& programs) {
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    ProgramSettings& program = programs.emplace_back();
    program.kind = static_cast<ProgramKind>(reader.get<std::uint8_t>());
    program.protocol = static_cast<ProgramProtocol>(reader.get<std::uint8_t>());
    program.name = reader.get_text();
    program.most_requests = reader.get<std::uint32_t>();
    program.idle = reader.get_duration();
    program.request = reader.get_duration();
    program.queue = reader.get_duration();
    program.longest_queue = reader.get<std::uint32_t>();
    program.most_kept = reader.get<std::uint64_t>();
    if (program.kind > ProgramKind::backend || program.protocol > ProgramProtocol::http) {
      return false;
    }
  }
  return programs.size() <= most_programs;
}

// Whether every program that is named is there.
bool names_programs(const Content& content, std::size_t count) {
  const auto are_there = [count](const ContentSettings& settings) {
    return std::all_of(settings.handlers.begin(), settings.handlers.end(),
                       [&](const HandlerSetting& handler) {
                         return !handler.program || *handler.program < count;
                       });
  };
  return are_there(content.settings) &&
         std::all_of(content.locations.begin(), content.locations.end(),
                     [&](const Location& location) { return are_there(location.settings); });
}

// Length of the longest of `patterns` that matches; an exact name is longer than any. -1 for none.
int best_match(const std::vector<HostPattern>& patterns, const HostName& host) {
  int best = -1;
  for (const HostPattern& pattern : patterns) {
    if (!pattern.matches(host)) continue;
    const int length = pattern.wildcard ? static_cast<int>(pattern.name.view().size())
                                        : static_cast<int>(HostName::max_length) + 1;
    best = std::max(best, length);
  }
  return best;
}

}  // namespace

std::string SiteSettings::pack() const {
  PackedWriter writer;
  put_hosts(writer, hosts);
  put_hosts(writer, foreign);
  writer.put_text(root);
  put_content(writer, content);
  put_reach(writer, reach);
  writer.put_duration(timeouts.head);
  writer.put_duration(timeouts.idle);
  writer.put_duration(timeouts.body);
  writer.put_duration(timeouts.send);
  writer.put_duration(timeouts.linger);
  writer.put(minimum_rates.body);
  writer.put(minimum_rates.response);
  writer.put(limits.connections);
  writer.put(limits.body);
  writer.put(limits.queue);
  writer.put(limits.cache);
  writer.put(limits.quota.memory);
  put_compression(writer, compression);
  writer.put(static_cast<std::uint8_t>(log_format));
  writer.put(static_cast<std::uint8_t>(acme));
  writer.put(limits.per_address);
  writer.put(limits.log);
  writer.put(request_rate.count);
  writer.put_duration(request_rate.per);
  writer.put(request_rate.burst);
  writer.put(static_cast<std::uint8_t>(shares_visitors));
  writer.put(static_cast<std::uint8_t>(landlock));
  writer.put(static_cast<std::uint32_t>(certificates.size()));
  for (const CertificateChain& chain : certificates) writer.put_texts(chain);
  put_tls(writer, tls);
  writer.put(static_cast<std::uint8_t>(http2));
  writer.put(static_cast<std::uint8_t>(plain_http2));
  put_programs(writer, programs);
  return writer.take();
}

std::optional<SiteSettings> SiteSettings::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  SiteSettings settings;
  if (!get_hosts(reader, settings.hosts) || !get_hosts(reader, settings.foreign)) {
    return std::nullopt;
  }
  settings.root = reader.get_text();
  if (!get_content(reader, settings.content)) return std::nullopt;
  if (!get_reach(reader, settings.reach)) return std::nullopt;
  settings.timeouts.head = reader.get_duration();
  settings.timeouts.idle = reader.get_duration();
  settings.timeouts.body = reader.get_duration();
  settings.timeouts.send = reader.get_duration();
  settings.timeouts.linger = reader.get_duration();
  settings.minimum_rates.body = reader.get<std::uint64_t>();
  settings.minimum_rates.response = reader.get<std::uint64_t>();
  settings.limits.connections = reader.get<std::uint32_t>();
  settings.limits.body = reader.get<std::uint64_t>();
  settings.limits.queue = reader.get<std::uint32_t>();
  settings.limits.cache = reader.get<std::uint64_t>();
  settings.limits.quota.memory = reader.get<std::uint64_t>();
  settings.compression = get_compression(reader);
  settings.log_format = static_cast<LogFormat>(reader.get<std::uint8_t>());
  settings.acme = reader.get<std::uint8_t>() != 0;
  settings.limits.per_address = reader.get<std::uint32_t>();
  settings.limits.log = reader.get<std::uint64_t>();
  settings.request_rate.count = reader.get<std::uint32_t>();
  settings.request_rate.per = reader.get_duration();
  settings.request_rate.burst = reader.get<std::uint32_t>();
  settings.shares_visitors = reader.get<std::uint8_t>() != 0;
  settings.landlock = static_cast<Requirement>(reader.get<std::uint8_t>());
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    settings.certificates.push_back(reader.get_texts());
  }
  if (!get_tls(reader, settings.tls)) return std::nullopt;
  settings.http2 = reader.get<std::uint8_t>() != 0;
  settings.plain_http2 = reader.get<std::uint8_t>() != 0;
  if (!get_programs(reader, settings.programs) ||
      !names_programs(settings.content, settings.programs.size())) {
    return std::nullopt;
  }
  const bool plausible = reader.done() && !settings.hosts.empty() &&
                         settings.root.starts_with('/') && settings.limits.connections > 0;
  return plausible ? std::optional(std::move(settings)) : std::nullopt;
}

bool SiteSettings::serves(const HostName& host) const {
  return best_match(hosts, host) > best_match(foreign, host);
}

std::string hsts_line_of(const ReachSettings& reach) {
  if (!reach.hsts) return {};
  std::string line =
      "Strict-Transport-Security: max-age=" + std::to_string(reach.hsts->max_age.count());
  if (reach.hsts->include_subdomains) line += "; includeSubDomains";
  if (reach.hsts->preload) line += "; preload";
  return line + "\r\n";
}

std::vector<SiteSettings> site_settings_of(const Configuration& configuration) {
  // The wildcards by the name that they stand above, to find whose a name would otherwise be.
  std::unordered_map<std::string_view, std::size_t> wildcards;
  for (std::size_t site = 0; site < configuration.sites.size(); ++site) {
    for (const HostPattern& host : configuration.sites[site].hosts) {
      if (host.wildcard) wildcards.emplace(host.name.view(), site);
    }
  }
  const CertificateOwners owners(configuration);
  std::vector<SiteSettings> all;
  all.reserve(configuration.sites.size());
  for (const Site& site : configuration.sites) {
    all.push_back({.hosts = site.hosts,
                   .foreign = {},
                   .root = site.root,
                   .content = site.content,
                   .reach = site.reach,
                   .timeouts = site.timeouts,
                   .minimum_rates = site.minimum_rates,
                   .limits = site.limits,
                   .compression = site.compression,
                   .log_format = site.log_format,
                   .acme = !configuration.acme_webroot.empty(),
                   .request_rate = site.request_rate,
                   .shares_visitors = site.life.most_workers > 1,
                   .landlock = configuration.mechanisms.landlock,
                   .certificates = {},
                   .tls = site.tls,
                   .http2 = site.http2 && !owners.are_shared(site),
                   .plain_http2 = site.plain_http2,
                   .programs = site.programs});
    // An even share of what the site may have: no worker knows of the others' connections.
    std::uint32_t& connections = all.back().limits.connections;
    connections = (connections + site.life.most_workers - 1) / site.life.most_workers;
    for (const Certificate& certificate : site.certificates) {
      all.back().certificates.push_back(certificate.chain);
    }
  }
  for (std::size_t site = 0; site < configuration.sites.size(); ++site) {
    for (const HostPattern& host : configuration.sites[site].hosts) {
      std::string_view above = host.name.view();
      for (std::size_t dot = above.find('.'); dot != std::string_view::npos;
           dot = above.find('.')) {
        above.remove_prefix(dot + 1);
        const auto owner = wildcards.find(above);
        if (owner != wildcards.end() && owner->second != site) {
          all[owner->second].foreign.push_back(host);
        }
      }
    }
  }
  return all;
}

}  // namespace perchild
