// The vhosts, and what they have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/configuration.h"
#include "policy/configuration_identities.h"
#include "policy/configuration_report.h"
#include "policy/configuration_tls.h"
#include "policy/configuration_tmp.h"
#include "policy/system_view.h"

namespace perchild {

// What "defaults" may set for all sites, and a vhost for itself.
struct SiteValues {
  Content content{};
  ReachSettings reach{};
  SiteTimeouts timeouts;
  MinimumRates minimum_rates;
  SiteLimits limits;
  bool has_body_limit = false;  // said, not usual
  CompressionSettings compression;
  SiteLife life;
  std::string app;  // the preset's name, or none
  LogFormat log_format = LogFormat::combined;
  std::vector<PasswordList> password_lists;   // those that were overridden too
  std::vector<ProgramSettings> programs;      // likewise
  std::vector<std::string> writable_folders;  // for programs
  std::vector<std::string> executable_folders;
  std::optional<WrittenTmp> tmp;
  std::optional<std::vector<std::uint16_t>> connect_ports;
  RateSettings request_rate;
  std::optional<MailSettings> mail;
  ProgramCalls calls;
  bool http2 = true;
  TlsValues tls;  // a vhost's own
};

inline constexpr std::uint32_t most_sites = 1'000'000;

// The first host names the site's log files: NAME_MAX without ".access.log" and "*.".
inline constexpr std::size_t longest_first_host = 240;

// Why a site cannot work in its root; no sentence if it can.
struct RootProblem {
  std::string sentence;
  std::string hint;
};
RootProblem problem_of(const RootAnswer& answer, const std::string& path,
                       const SiteIdentity& identity);

class SitesReader {
 public:
  SitesReader(Report& report, SystemView& system, IdentitiesReader& identities)
      : report_(report), system_(system), identities_(identities) {}

  void read_defaults(JsonValue defaults);  // before any vhost
  void read_vhosts(JsonValue vhosts);
  // One vhost, an array of them, or an object with "vhosts".
  void read_included(JsonValue root);

  // The vhosts for every account that were met, which are left to AccountVhostsReader.
  const std::vector<JsonValue>& for_accounts() const { return for_accounts_; }
  SiteValues read_values(JsonValue vhost);
  RootAnswer try_root(const SiteIdentity& identity, const std::string& path);
  bool has_uid(TenantUid uid) const { return uids_.contains(uid.uid().value); }
  // A site that is good, and whose hosts no other has.
  void add(std::vector<HostPattern> hosts, JsonValue place, const SiteIdentity& identity,
           std::string root, std::string tmp, SiteValues values);

  void add_bad() { ++drafts_; }
  // After all sites.
  void check_tmp() { check_tmp_of_all(report_, sites_, tmp_places_); }

  std::size_t count() const { return drafts_; }
  std::optional<SiteId> find(const HostPattern& host) const;
  bool any_has_tls() const { return any_has_tls_; }
  bool left_roots_unchecked() const { return left_roots_unchecked_; }
  // Complete if nothing was reported.
  std::vector<Site> take() { return std::move(sites_); }

 private:
  struct HostPlace {
    SiteId site;
    JsonValue place;
  };
  struct UidUser {
    std::string name;
    JsonValue place;
  };

  void read_vhost(JsonValue vhost);
  Site make_site(std::vector<HostPattern> hosts, const SiteIdentity& identity, std::string root,
                 SiteValues values);
  void push(Site site, std::string tmp, const std::optional<WrittenTmp>& written);
  std::vector<HostPattern> read_hosts(JsonValue vhost, SiteId site);
  void add_host(JsonValue value, SiteId site, std::vector<HostPattern>& hosts);
  void check_uid_is_alone(const SiteIdentity& identity, JsonValue vhost);
  std::optional<std::string> read_root(JsonValue vhost);
  bool check_root(JsonValue root, const SiteIdentity& identity, const std::string& path);

  Report& report_;
  SystemView& system_;
  IdentitiesReader& identities_;
  SiteValues defaults_;
  std::vector<Site> sites_;
  std::vector<std::pair<std::size_t, JsonValue>> tmp_places_;  // of those that have one
  std::uint32_t drafts_ = 0;                                   // vhosts met, good ones and others
  std::unordered_map<std::string, HostPlace> hosts_;
  std::unordered_map<std::uint32_t, UidUser> uids_;
  std::vector<JsonValue> for_accounts_;
  bool left_roots_unchecked_ = false;
  bool any_has_tls_ = false;
};

// The keys that `object`, a vhost or "defaults", has of SiteValues.
void read_site_values(Report& report, SystemView& system, JsonValue object, SiteValues& values);

}  // namespace perchild
