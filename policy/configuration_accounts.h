// One vhost for every account of the machine:
//   "hosts": ["*.users.example"], "user": "{1}", "root": "/home/{1}/www"
// It becomes an ordinary site for each account whose uid lies in the tenants' range. What the
// asterisk and "{1}" stand for is the account's name, one label of the host.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "policy/configuration_identities.h"
#include "policy/configuration_report.h"
#include "policy/configuration_sites.h"
#include "policy/system_view.h"

namespace perchild {

class AccountTally;

class AccountVhostsReader {
 public:
  AccountVhostsReader(Report& report, SystemView& system, IdentitiesReader& identities,
                      SitesReader& sites)
      : report_(report), system_(system), identities_(identities), sites_(sites) {}

  // `vhost` is one that is_for_accounts(). After all others: a vhost that names a host wins, and
  // among these the first one that has it.
  void read(JsonValue vhost);

 private:
  struct Entry {
    std::vector<HostPattern> hosts;  // wildcards
    std::string root;                // with "{1}"
    std::set<std::string> left_out_users;
    std::set<Gid> left_out_groups;
    SiteValues values;
  };

  std::optional<Entry> read_entry(JsonValue vhost);
  bool read_hosts(JsonValue vhost, std::vector<HostPattern>& hosts);
  bool read_root(JsonValue vhost, std::string& root);
  bool read_left_out(JsonValue except, Entry& entry);
  // Whether it has become a site.
  bool add_site(JsonValue vhost, const Entry& entry, const NamedAccount& account,
                AccountTally& tally);
  bool has_root(JsonValue vhost, const SiteIdentity& identity, const std::string& root,
                const std::string& name, AccountTally& tally);
  std::vector<HostPattern> free_hosts(const Entry& entry, const std::string& name,
                                      AccountTally& tally);

  Report& report_;
  SystemView& system_;
  IdentitiesReader& identities_;
  SitesReader& sites_;
};

}  // namespace perchild
