// Who is who: the tenants' range of ids, the ids of our own services, and the ids of each site.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "policy/configuration_report.h"
#include "policy/system_view.h"

namespace perchild {

struct SiteIdentity {
  TenantUid uid;
  Gid gid;
  std::vector<Gid> groups;
  JsonValue place;   // "user" or "uid"
  std::string text;  // "user alice (uid 1001)"
};

class IdentitiesReader {
 public:
  IdentitiesReader(Report& report, SystemView& system) : report_(report), system_(system) {}

  // "id_range", "groups" and "service_ids"; before any site.
  void read_common(JsonValue top, Configuration& configuration);

  // The ids of a service that not everybody needs: the keeper's, where there are keys. Elsewhere it
  // is no mistake that there is no such user; where there is, a reload can bring the need. After
  // all sites. `into` is the configuration's.
  void read_further_service(JsonValue top, std::string_view name, bool needed,
                            std::optional<ServiceIds>& into, const Configuration& configuration);

  // "user", or "uid" and "gid".
  std::optional<SiteIdentity> read_site(JsonValue vhost);

  // Of an account that `user`, a name or a pattern, stands for.
  SiteIdentity identity_of(const NamedAccount& named, TenantUid uid, JsonValue user);

  IdRange range() const { return range_; }
  // Whether sites may have it, as their own group or a further one.
  bool is_mapped(Gid gid) const;
  std::optional<Gid> read_group(JsonValue value);

  // Says which groups of users were left out.
  void finish();

 private:
  struct Numbers {
    Uid uid;
    Gid gid;
  };
  struct DroppedGroup {
    JsonValue place;
    std::string user;  // the first one that has it
    std::size_t users;
  };

  void read_range(JsonValue value);
  void read_services(JsonValue top, Configuration& configuration);
  void read_groups(JsonValue groups);
  std::optional<ServiceIds> read_service(JsonValue place, std::optional<JsonValue> value,
                                         std::string_view name, std::string_view default_user);
  std::optional<ServiceIds> read_service_value(JsonValue value);
  void check_service(JsonValue place, std::string_view name, ServiceIds ids);
  void check_services_differ(JsonValue place, std::string_view one, ServiceIds its,
                             std::string_view other, ServiceIds others);
  void check_map(JsonValue place, const Configuration& configuration);

  std::optional<Numbers> read_numbers(JsonValue object, JsonValue uid);
  std::optional<SiteIdentity> read_user(JsonValue user);
  std::optional<SiteIdentity> read_uid(JsonValue vhost, JsonValue uid);
  std::optional<TenantUid> check_uid(JsonValue place, Uid uid, const std::string& whose);
  bool check_gid(JsonValue place, Gid gid, const std::string& whose);
  void drop_group(JsonValue place, const std::string& user, Gid gid);

  Report& report_;
  SystemView& system_;
  IdRange range_{1000, 59'999};
  bool range_is_known_ = true;
  std::vector<Gid> extra_groups_;  // sorted
  std::map<Gid, DroppedGroup> dropped_;
};

}  // namespace perchild
