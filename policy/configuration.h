// What the configuration says once it has been read, checked and resolved. Plain data: whoever
// holds a Configuration may act on it without a further question.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/address_block.h"
#include "policy/compression_settings.h"
#include "policy/content_settings.h"
#include "policy/host_name.h"
#include "policy/ids.h"
#include "policy/mail_settings.h"
#include "policy/program_calls.h"
#include "policy/program_settings.h"
#include "policy/reach_settings.h"
#include "policy/tls_settings.h"

namespace perchild {

// One address to bind. "*:80" of the configuration becomes two of these, 0.0.0.0 and [::].
struct ListenAddress {
  ::sockaddr_storage storage{};  // AF_INET (sockaddr_in) or AF_INET6 (sockaddr_in6)

  ::socklen_t length() const {
    return storage.ss_family == AF_INET ? sizeof(::sockaddr_in) : sizeof(::sockaddr_in6);
  }
};

struct Listener {
  ListenAddress address;
  bool tls = false;
  bool plain_http2 = false;            // without TLS, by prior knowledge (RFC 9113, 3.3)
  bool optional_family = false;        // the IPv6 half of "*": skipped where the kernel has none
  std::optional<SiteId> default_site;  // serves what names no host, or an unknown one
  // Who must say by a PROXY header whose each connection is, and is believed. Nobody else may.
  std::vector<AddressBlock> proxies;
  std::string text;   // as written, for messages
  std::string place;  // "file:line:column"
};

// How long a client may take. All per site; the router's own head deadline is `RouterLimits::head`.
struct SiteTimeouts {
  std::chrono::milliseconds head{10'000};  // from a head's first byte to its last
  std::chrono::milliseconds idle{15'000};  // between requests on one connection
  // In each such time something of a request's body must come, and of a response be taken.
  std::chrono::milliseconds body{30'000};
  std::chrono::milliseconds send{30'000};
  // For a client to see the last answer of a connection that is closed while it sends.
  std::chrono::milliseconds linger{2'000};
};

// Bytes a second on an average of SiteTimeouts::body or ::send; 0: whatever moves at all is enough.
struct MinimumRates {
  std::uint64_t body = 256;
  std::uint64_t response = 256;
};

// What all processes of a site may take together: its control group sees to it. 0: no limit.
struct SiteQuota {
  std::uint64_t memory = 0;  // bytes; each worker is held to it by a resource limit as well
  std::uint32_t processes = 0;
  std::uint32_t cpu_percent = 0;  // 150: one CPU and a half
  std::uint64_t io = 0;           // bytes a second, for reading and for writing, of the root's disk
  auto operator<=>(const SiteQuota&) const = default;
};

struct SiteLimits {
  std::uint32_t connections = 512;        // open at once, in all of the site's workers
  std::uint64_t body = 1024 * 1024;       // bytes of a request's body
  std::uint32_t queue = 128;              // connections waiting in each router
  std::uint64_t cache = 8 * 1024 * 1024;  // bytes of small files kept by each worker
  SiteQuota quota;
  std::uint32_t per_address = 0;  // connections of one visitor, in each worker; 0: any
  std::uint64_t log = 0;          // bytes of each of its log files until it is rotated; 0: any
};

enum class LogFormat : std::uint8_t { combined, json };

// X.509 certificates in DER, the site's own first.
using CertificateChain = std::vector<std::string>;

// Read from the files that the configuration names, and checked.
struct Certificate {
  CertificateChain chain;
  std::string key;  // PKCS #8, DER; for the keeper alone
};

enum class StartPolicy : std::uint8_t { on_demand, always };

// When a site's processes run, and how many of them.
struct SiteLife {
  StartPolicy start = StartPolicy::on_demand;
  std::uint32_t least_workers = 1;  // whenever the site runs
  std::uint32_t most_workers = 1;   // while connections have to wait
  // Without a connection for so long, its processes leave. A cold start costs a visitor a few
  // milliseconds, so not much longer than somebody looks at a page.
  std::chrono::milliseconds idle{60'000};
  bool suspended = false;  // answered 503, without a process
  auto operator<=>(const SiteLife&) const = default;
};

struct Site {
  std::vector<HostPattern> hosts;  // never empty; the first one names the site in messages
  TenantUid uid;
  Gid gid;
  std::vector<Gid> groups;  // supplementary, all mapped
  std::string root;         // absolute, a directory that uid can enter
  Content content;
  ReachSettings reach{};
  SiteTimeouts timeouts;
  MinimumRates minimum_rates{};
  SiteLimits limits;
  CompressionSettings compression{};
  SiteLife life{};
  LogFormat log_format = LogFormat::combined;
  std::vector<PasswordList> password_lists{};    // of the site's "auth" and those of its locations
  RateSettings request_rate{};                   // per visitor
  std::vector<Certificate> certificates{};       // empty: the site is not served over TLS
  std::vector<std::string> certificate_names{};  // that these are for, in lower case; "*.name" too
  TlsSettings tls{};
  bool http2 = true;                        // where its certificates are for no other site's names
  bool plain_http2 = false;                 // it is the default of a listener that has it
  std::vector<ProgramSettings> programs{};  // at most most_programs; content names them
  // For programs, besides the docroot, which they write, and the system's folders.
  std::vector<std::string> writable_folders{};
  std::vector<std::string> executable_folders{};
  std::string tmp{};  // a folder of its user's that is their /tmp; empty: memory
  // TCP ports that programs may connect to, besides those of the site's own backends and smarthost;
  // nullopt: any.
  std::optional<std::vector<std::uint16_t>> connect_ports{};
  std::optional<MailSettings> mail{};  // that programs may send
  ProgramCalls calls{};                // of programs
};

// Of the processes of all sites together.
struct GroupLimits {
  std::uint32_t running = 4096;           // sites with processes, at once
  std::uint64_t memory = 0;               // bytes that workers hold for themselves; 0: no limit
  std::uint32_t starts_per_second = 100;  // of workers: a scan of all hosts is no fork bomb
  // Of each kind of PHP, loaded before a site wants it. Not said: 1 if there are ids for them.
  std::uint32_t spares = 0;
  std::uint64_t sessions = 256U << 20U;  // bytes of PHP's, for sites that sleep; 0: none
  auto operator<=>(const GroupLimits&) const = default;
};

struct RouterLimits {
  std::uint32_t routers = 0;                // 0: one a core
  std::uint32_t connections = 4096;         // held by one router at once, of all sites
  std::uint32_t per_address = 256;          // held by one router for one IPv4 address or IPv6 /64
  std::chrono::milliseconds head{10'000};   // from accept to a name
  std::chrono::milliseconds queue{10'000};  // waiting for a site's credits
};

// `required` ends the start when the kernel has not got it; `if_available` is reported by status.
enum class Requirement : std::uint8_t { required, if_available };

struct Mechanisms {
  Requirement landlock = Requirement::required;
  Requirement cgroup = Requirement::required;  // by sites that have a quota
};

struct Configuration {
  std::vector<Listener> listeners;
  std::vector<Site> sites;  // SiteId is the index
  IdRange id_range{1000, 59'999};
  std::vector<Gid> extra_groups;  // mapped besides the range
  ServiceIds master{};
  ServiceIds router{};
  std::optional<ServiceIds> keeper{};  // there is one where a site has a certificate
  std::optional<ServiceIds> spare{};   // of runners that have no site yet
  std::string runtime_dir = "/run/perchild";
  std::string acme_webroot{};  // absolute; empty if there is none
  std::string log_dir = "/var/log/perchild";
  RouterLimits router_limits;
  GroupLimits group_limits;
  Mechanisms mechanisms;
  std::chrono::milliseconds drain{30'000};  // for running requests after SIGTERM
};

}  // namespace perchild
