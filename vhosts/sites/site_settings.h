// What a worker knows: its own site and nothing of any other. Packed by the command, carried
// through the master unread, unpacked by the worker at its start.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"
#include "policy/host_name.h"

namespace perchild {

struct SiteSettings {
  std::vector<HostPattern> hosts;
  // Names under this site's wildcards that belong to other sites.
  std::vector<HostPattern> foreign;
  std::string root;
  Content content;
  ReachSettings reach{};
  SiteTimeouts timeouts;
  MinimumRates minimum_rates;
  SiteLimits limits;
  CompressionSettings compression;
  LogFormat log_format = LogFormat::combined;
  bool acme = false;  // there is a folder of challenges
  RateSettings request_rate;
  bool shares_visitors = false;  // with other workers: vhosts/access/visitor_memory.h
  Requirement landlock = Requirement::required;
  std::vector<CertificateChain> certificates;  // whose keys the keeper has, in the same order
  TlsSettings tls{};
  bool http2 = false;        // may be offered by TLS
  bool plain_http2 = false;  // may be spoken without TLS
  // By the numbers that content names. What they are started with is the runner's to know.
  std::vector<ProgramSettings> programs;

  std::string pack() const;
  static std::optional<SiteSettings> unpack(std::string_view bytes);

  // Whether a request for `host` is this site's to answer.
  bool serves(const HostName& host) const;
};

// The field Strict-Transport-Security as a line; empty if there is to be none.
std::string hsts_line_of(const ReachSettings& reach);

// The settings of every site, by SiteId.
std::vector<SiteSettings> site_settings_of(const Configuration& configuration);

}  // namespace perchild
