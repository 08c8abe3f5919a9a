#include "policy/configuration_identities.h"

#include <algorithm>
#include <utility>

#include "policy/configuration_values.h"
#include "policy/id_map.h"

namespace perchild {
namespace {

constexpr std::uint64_t last_id = UINT32_MAX - 1;  // the last of all means "leave it" to setresuid
constexpr std::string_view service_keys[] = {"master", "router", "keeper", "spare"};
constexpr std::string_view id_keys[] = {"uid", "gid"};

std::string number_text(std::uint32_t number) {
  return std::to_string(number);
}

std::string text_of(IdRange range) {
  return "\"id_range\" (" + number_text(range.first) + " to " + number_text(range.last) + ")";
}

std::optional<std::uint32_t> read_id(Report& report, JsonValue value, std::uint32_t least = 0) {
  const auto number = read_number(report, value, {least, last_id});
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

}  // namespace

void IdentitiesReader::read_common(JsonValue top, Configuration& configuration) {
  if (const auto range = top.find("id_range")) read_range(*range);
  configuration.id_range = range_;
  const auto groups = top.find("groups");
  if (groups) read_groups(*groups);
  configuration.extra_groups = extra_groups_;
  read_services(top, configuration);
  check_map(groups.value_or(top), configuration);
}

void IdentitiesReader::read_range(JsonValue value) {
  // Without a range that can be believed, no id is called outside of it.
  range_ = {1, static_cast<std::uint32_t>(last_id)};
  range_is_known_ = false;
  if (!report_.expect(value, JsonKind::array)) return;
  std::vector<std::uint32_t> ends;
  for (JsonValue element : value) {
    const auto id = read_id(report_, element, 1);
    if (!id) return;
    ends.push_back(*id);
  }
  if (ends.size() != 2 || ends[0] > ends[1]) {
    report_.error(value, R"("id_range" must be two numbers, the first and the last id of tenants)");
    return;
  }
  range_ = {ends[0], ends[1]};
  range_is_known_ = true;
}

void IdentitiesReader::read_groups(JsonValue groups) {
  if (!report_.expect(groups, JsonKind::array)) return;
  for (JsonValue element : groups) {
    const auto gid = read_group(element);
    if (!gid) continue;
    if (gid->value == 0) {
      report_.error(element, "group 0 cannot be given to sites");
      continue;
    }
    extra_groups_.push_back(*gid);
  }
  std::sort(extra_groups_.begin(), extra_groups_.end());
  extra_groups_.erase(std::unique(extra_groups_.begin(), extra_groups_.end()), extra_groups_.end());
}

std::optional<Gid> IdentitiesReader::read_group(JsonValue value) {
  if (value.is(JsonKind::number)) {
    const auto id = read_id(report_, value);
    return id ? std::optional(Gid{*id}) : std::nullopt;
  }
  if (!value.is(JsonKind::string)) {
    report_.error(value, value.label() + " must be a group's name or number, but is " +
                             std::string(name_of(value.kind())));
    return std::nullopt;
  }
  const auto name = read_text(report_, value);
  if (!name) return std::nullopt;
  const auto gid = system_.find_group(*name);
  if (!gid) report_.error(value, "there is no group " + in_quotes(*name));
  return gid;
}

void IdentitiesReader::read_services(JsonValue top, Configuration& configuration) {
  auto services = top.find("service_ids");
  if (services && !report_.expect_keys(*services, R"("service_ids")", service_keys)) return;
  const JsonValue place = services.value_or(top);
  const auto of = [&](std::string_view name) {
    return services ? services->find(name) : std::optional<JsonValue>();
  };
  const auto master = read_service(place, of("master"), "master", "perchild");
  const auto router = read_service(place, of("router"), "router", "perchild-router");
  if (!master || !router) return;
  configuration.master = *master;
  configuration.router = *router;
  check_services_differ(of("router").value_or(place), "master", *master, "router", *router);
}

void IdentitiesReader::read_further_service(JsonValue top, std::string_view name, bool needed,
                                            std::optional<ServiceIds>& into,
                                            const Configuration& configuration) {
  const auto services = top.find("service_ids");
  const auto value = services && services->is(JsonKind::object) ? services->find(name)
                                                                : std::optional<JsonValue>();
  const JsonValue place = value.value_or(services.value_or(top));
  const std::string user = "perchild-" + std::string(name);
  if (!needed && !value && !system_.find_user(user)) return;
  const auto ids = read_service(place, value, name, user);
  if (!ids) return;
  check_services_differ(place, name, *ids, "master", configuration.master);
  check_services_differ(place, name, *ids, "router", configuration.router);
  if (configuration.keeper) {
    check_services_differ(place, name, *ids, "keeper", *configuration.keeper);
  }
  const bool fitted = make_id_maps(configuration).gids.fits();
  into = ids;
  if (fitted) check_map(place, configuration);
}

std::optional<ServiceIds> IdentitiesReader::read_service(JsonValue place,
                                                         std::optional<JsonValue> value,
                                                         std::string_view name,
                                                         std::string_view default_user) {
  std::optional<ServiceIds> ids;
  if (value) {
    place = *value;
    ids = read_service_value(*value);
  } else if (const auto account = system_.find_user(std::string(default_user))) {
    ids = ServiceIds{account->uid, account->gid};
  } else {
    report_.error(place,
                  "there is no user " + in_quotes(default_user) + " for the " + std::string(name) +
                      " to run as",
                  "make it (useradd --system " + std::string(default_user) +
                      "), or name another: " + R"("service_ids": {")" + std::string(name) +
                      R"(": "USER"})");
  }
  if (ids) check_service(place, name, *ids);
  return ids;
}

std::optional<ServiceIds> IdentitiesReader::read_service_value(JsonValue value) {
  if (value.is(JsonKind::number)) {
    const auto numbers = read_numbers(value, value);
    return numbers ? std::optional(ServiceIds{numbers->uid, numbers->gid}) : std::nullopt;
  }
  if (value.is(JsonKind::string)) {
    const auto name = read_text(report_, value);
    if (!name) return std::nullopt;
    const auto account = system_.find_user(*name);
    if (account) return ServiceIds{account->uid, account->gid};
    report_.error(value, "there is no user " + in_quotes(*name));
    return std::nullopt;
  }
  if (!value.is(JsonKind::object)) {
    report_.error(value,
                  value.label() + R"( must be a user's name, a uid or {"uid": ..., "gid": ...})");
    return std::nullopt;
  }
  if (!report_.expect_keys(value, value.label(), id_keys)) return std::nullopt;
  const auto uid = value.find("uid");
  if (!uid) {
    report_.error(value, value.label() + R"( needs a "uid")");
    return std::nullopt;
  }
  const auto numbers = read_numbers(value, *uid);
  return numbers ? std::optional(ServiceIds{numbers->uid, numbers->gid}) : std::nullopt;
}

void IdentitiesReader::check_service(JsonValue place, std::string_view name, ServiceIds ids) {
  const std::string the_service = "the " + std::string(name);
  if (ids.uid.value == 0 || ids.gid.value == 0) {
    report_.error(place, the_service + " cannot run as root (" +
                             (ids.uid.value == 0 ? "uid" : "gid") + " 0)");
    return;
  }
  const std::pair<std::string_view, std::uint32_t> both[] = {{"uid", ids.uid.value},
                                                             {"gid", ids.gid.value}};
  for (const auto& [kind, id] : both) {
    if (!range_is_known_ || !range_.contains(id)) continue;
    report_.error(place,
                  std::string(kind) + " " + number_text(id) + " of " + the_service + " lies in " +
                      text_of(range_) + ", which belongs to the tenants",
                  "give the service an id of its own outside of the range");
  }
  if (std::binary_search(extra_groups_.begin(), extra_groups_.end(), ids.gid)) {
    report_.error(place, "gid " + number_text(ids.gid.value) + " of " + the_service +
                             R"( is one of "groups", which sites may be in)");
  }
}

void IdentitiesReader::check_services_differ(JsonValue place, std::string_view one, ServiceIds its,
                                             std::string_view other, ServiceIds others) {
  const std::string both = std::string(one) + " and " + std::string(other) + " are both ";
  const std::string hint = "a " + std::string(other) + " that is taken over must not be the " +
                           std::string(one) + "'s equal";
  if (its.uid == others.uid) report_.error(place, both + "uid " + number_text(its.uid.value), hint);
  if (its.gid == others.gid) report_.error(place, both + "gid " + number_text(its.gid.value), hint);
}

void IdentitiesReader::check_map(JsonValue place, const Configuration& configuration) {
  const IdMap gids = make_id_maps(configuration).gids;
  if (gids.fits()) return;
  report_.error(place,
                "the groups are too many: " + std::to_string(gids.extents().size()) + " ranges, " +
                    std::to_string(gids.text().size()) +
                    " bytes to write, but the kernel maps no more than " +
                    std::to_string(IdMap::max_extents) + " and takes less than " +
                    std::to_string(IdMap::text_bound),
                "extend \"id_range\", or name fewer groups");
}

std::optional<IdentitiesReader::Numbers> IdentitiesReader::read_numbers(JsonValue object,
                                                                        JsonValue uid) {
  const auto uid_number = read_id(report_, uid);
  const auto gid = object.find("gid");
  const auto gid_number = gid ? read_id(report_, *gid) : std::nullopt;
  if (!uid_number || (gid && !gid_number)) return std::nullopt;
  if (gid_number) return Numbers{Uid{*uid_number}, Gid{*gid_number}};
  return Numbers{Uid{*uid_number},
                 system_.find_group_of(Uid{*uid_number}).value_or(Gid{*uid_number})};
}

std::optional<SiteIdentity> IdentitiesReader::read_site(JsonValue vhost) {
  const auto user = vhost.find("user");
  const auto uid = vhost.find("uid");
  const auto gid = vhost.find("gid");
  if (user && (uid || gid)) {
    report_.error_at_key(uid ? *uid : *gid,
                         R"(a vhost has either a "user" or a "uid" and "gid", not both)");
    return std::nullopt;
  }
  if (user) return read_user(*user);
  if (uid) return read_uid(vhost, *uid);
  report_.error(vhost, R"(a vhost needs a "user" or a "uid" to run as)");
  return std::nullopt;
}

std::optional<SiteIdentity> IdentitiesReader::read_user(JsonValue user) {
  const auto name = read_text(report_, user);
  if (!name) {
    return std::nullopt;
  }
  const auto account = system_.find_user(*name);
  if (!account) {
    report_.error(user, "there is no user " + in_quotes(*name));
    return std::nullopt;
  }
  const std::string whose = " of the user " + in_quotes(*name);
  const auto uid = check_uid(user, account->uid, whose);
  if (!uid || !check_gid(user, account->gid, whose)) return std::nullopt;
  return identity_of({*name, *account}, *uid, user);
}

SiteIdentity IdentitiesReader::identity_of(const NamedAccount& named, TenantUid uid,
                                           JsonValue user) {
  const auto& [name, account] = named;
  SiteIdentity identity{uid, account.gid, {}, user, {}};
  identity.text = "the user " + in_quotes(name) + " (uid " + number_text(account.uid.value) + ")";
  for (Gid gid : account.groups) {
    if (gid == account.gid) continue;
    if (is_mapped(gid)) {
      identity.groups.push_back(gid);
    } else {
      drop_group(user, name, gid);
    }
  }
  return identity;
}

std::optional<SiteIdentity> IdentitiesReader::read_uid(JsonValue vhost, JsonValue uid) {
  if (uid.is(JsonKind::string)) {
    report_.error(uid, "\"uid\" must be a number, but is a string",
                  R"(a name goes with "user": "user": )" + in_quotes(uid.text()));
    return std::nullopt;
  }
  const auto numbers = read_numbers(vhost, uid);
  if (!numbers) return std::nullopt;
  const auto tenant = check_uid(uid, numbers->uid, "");
  if (!tenant || !check_gid(vhost.find("gid").value_or(uid), numbers->gid, "")) return std::nullopt;
  return SiteIdentity{*tenant, numbers->gid, {}, uid, "uid " + number_text(numbers->uid.value)};
}

std::optional<TenantUid> IdentitiesReader::check_uid(JsonValue place, Uid uid,
                                                     const std::string& whose) {
  const auto tenant = TenantUid::make(uid, range_);
  if (tenant) return tenant;
  if (uid.value == 0) {
    report_.error(place, "a site cannot run as root (uid 0)");
  } else {
    report_.error(place,
                  "uid " + number_text(uid.value) + whose + " is outside of " + text_of(range_),
                  "only ids of the range exist where sites run");
  }
  return std::nullopt;
}

bool IdentitiesReader::check_gid(JsonValue place, Gid gid, const std::string& whose) {
  if (is_mapped(gid)) return true;
  const std::string number = number_text(gid.value);
  if (gid.value == 0) {
    report_.error(place, "a site cannot run in the group of root (gid 0)");
  } else {
    report_.error(place, "gid " + number + whose + " is outside of " + text_of(range_),
                  "if sites may be in this group, add " + number + " to \"groups\"");
  }
  return false;
}

bool IdentitiesReader::is_mapped(Gid gid) const {
  return gid.value != 0 && (range_.contains(gid.value) ||
                            std::binary_search(extra_groups_.begin(), extra_groups_.end(), gid));
}

void IdentitiesReader::drop_group(JsonValue place, const std::string& user, Gid gid) {
  const auto [dropped, is_new] = dropped_.try_emplace(gid, DroppedGroup{place, user, 0});
  ++dropped->second.users;
}

void IdentitiesReader::finish() {
  for (const auto& [gid, dropped] : dropped_) {
    const std::string number = number_text(gid.value);
    const auto name = system_.find_group_name(gid);
    const std::string group = name ? in_quotes(*name) + " (" + number + ")" : number;
    const std::string others =
        dropped.users > 1 ? " and of " + std::to_string(dropped.users - 1) + " more" : "";
    report_.warning(dropped.place,
                    "the group " + group + " of the user " + in_quotes(dropped.user) + others +
                        " is outside of " + text_of(range_) + ": the site will not be in it",
                    gid.value == 0 ? "" : "to keep it, add " + number + " to \"groups\"");
  }
}

}  // namespace perchild
