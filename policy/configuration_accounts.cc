#include "policy/configuration_accounts.h"

#include <algorithm>
#include <utility>

#include "policy/account_pattern.h"
#include "policy/configuration_reach.h"
#include "policy/configuration_values.h"
#include "policy/written_host.h"

namespace perchild {
namespace {

constexpr std::string_view except_keys[] = {"users", "groups"};
constexpr std::size_t longest_label = 63;
constexpr std::size_t named_in_a_list = 5;
constexpr std::size_t told_one_by_one = 20;

// A label of RFC 1123, 2.1. A name that would have to be folded or escaped is none: two accounts
// must not meet in one host.
bool is_label(std::string_view name) {
  return !name.empty() && name.size() <= longest_label && name.front() != '-' &&
         name.back() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace

// What is told of accounts together: a machine can have 100,000 of them.
class AccountTally {
 public:
  // Accounts that one sentence is about: some by name, and how many more.
  class AccountList {
   public:
    void add(std::string account) {
      if (++count_ <= named_in_a_list) named_.push_back(std::move(account));
    }
    bool empty() const { return count_ == 0; }
    std::string text() const {
      std::string text;
      for (const std::string& account : named_) text += (text.empty() ? "" : ", ") + account;
      if (count_ > named_.size())
        text += " and " + std::to_string(count_ - named_.size()) + " more";
      return text;
    }

   private:
    std::vector<std::string> named_;
    std::size_t count_ = 0;
  };

  AccountList unnameable;   // the name is no label
  AccountList elsewhere;    // a vhost has their host
  AccountList unmapped;     // their group does not exist for the service
  AccountList rootless;     // their root is missing
  AccountList closed_root;  // more of those who cannot enter their root than are told one by one
  AccountList shared;       // another vhost has their uid
  AccountList tmpless;      // their "tmp" is missing, or not their own
  std::size_t told_roots = 0;

  void tell(Report& report, JsonValue vhost, const std::optional<WrittenTmp>& tmp) const {
    const JsonValue user = *vhost.find("user");
    const JsonValue root = *vhost.find("root");
    if (!unnameable.empty()) {
      report.note(user, "no host can be called like these accounts, so they have no site: " +
                            unnameable.text());
    }
    if (!elsewhere.empty()) {
      report.note(*vhost.find("hosts"),
                  "another vhost has the hosts of these accounts: " + elsewhere.text());
    }
    if (!unmapped.empty()) {
      report.warning(
          user,
          "the group of these accounts is outside of \"id_range\", so they have no site: " +
              unmapped.text(),
          "if sites may be in the group, add it to \"groups\"");
    }
    if (!rootless.empty()) {
      report.note(root, "these accounts have no root, and so no site: " + rootless.text());
    }
    if (!closed_root.empty()) {
      report.warning(
          root, "neither can these enter their roots, so they have no site: " + closed_root.text());
    }
    if (!tmpless.empty()) {
      report.warning(
          tmp->place,
          "these accounts have no such folder of their own (mode 0700), so their /tmp is "
          "memory: " +
              tmpless.text());
    }
    if (!shared.empty()) {
      report.warning(user,
                     "other vhosts have the uids of these accounts, and are not isolated from "
                     "theirs: " +
                         shared.text());
    }
  }
};

void AccountVhostsReader::read(JsonValue vhost) {
  const auto entry = read_entry(vhost);
  if (!entry) {
    sites_.add_bad();
    return;
  }
  AccountTally tally;
  bool any = false;
  for (const NamedAccount& account : system_.users_in(identities_.range())) {
    any = add_site(vhost, *entry, account, tally) || any;
  }
  tally.tell(report_, vhost, entry->values.tmp);
  if (sites_.count() > most_sites) {
    report_.error(
        vhost, "with its accounts there are more than " + std::to_string(most_sites) + " vhosts");
  }
  if (!any) report_.warning(vhost, "no account has a site by this vhost");
}

std::optional<AccountVhostsReader::Entry> AccountVhostsReader::read_entry(JsonValue vhost) {
  Entry entry;
  bool good = read_hosts(vhost, entry.hosts);
  const JsonValue user = *vhost.find("user");
  if (user.text() != account_name) {
    report_.error(user, R"("user" is "{1}", the name of an account, or a name without it)");
    good = false;
  }
  for (const std::string_view key : {"uid", "gid"}) {
    if (const auto id = vhost.find(key)) {
      report_.error_at_key(*id, R"(a vhost has either a "user" or a "uid" and "gid", not both)");
      good = false;
    }
  }
  good = read_root(vhost, entry.root) && good;
  if (const auto except = vhost.find("except")) good = read_left_out(*except, entry) && good;
  entry.values = sites_.read_values(vhost);
  check_canonical(report_, vhost, entry.values.reach, {});
  return good ? std::optional(std::move(entry)) : std::nullopt;
}

bool AccountVhostsReader::read_hosts(JsonValue vhost, std::vector<HostPattern>& hosts) {
  const auto list = vhost.find("hosts");
  if (!list) {
    report_.error(vhost, R"(a vhost needs "hosts")");
    return false;
  }
  if (!report_.expect(*list, JsonKind::array)) return false;
  bool good = !list->empty();
  if (!good) report_.error(*list, "\"hosts\" must name at least one host");
  for (JsonValue element : *list) {
    const auto host = element.is(JsonKind::string) ? parse_written_host(element.text()).host
                                                   : std::optional<HostPattern>();
    if (host && host->wildcard) {
      hosts.push_back(*host);
      continue;
    }
    report_.error(element, R"(the hosts of a vhost with "user": "{1}" are like "*.users.example")",
                  "the asterisk stands for the account's name");
    good = false;
  }
  return good;
}

bool AccountVhostsReader::read_root(JsonValue vhost, std::string& root) {
  const auto value = vhost.find("root");
  if (!value) {
    report_.error(vhost, R"(a vhost needs a "root")");
    return false;
  }
  const auto path = read_absolute_path(report_, *value);
  if (!path) return false;
  if (path->find(account_name) == std::string::npos) {
    report_.error(*value, R"(the root is the same for every account)",
                  R"("{1}" stands for the account's name: "/home/{1}/www")");
    return false;
  }
  root = *path;
  return true;
}

bool AccountVhostsReader::read_left_out(JsonValue except, Entry& entry) {
  if (!report_.expect_keys(except, R"("except")", except_keys)) return false;
  bool good = true;
  if (const auto users = except.find("users")) {
    if (!report_.expect(*users, JsonKind::array)) return false;
    for (JsonValue element : *users) {
      const auto name = read_text(report_, element);
      good = good && name;
      if (!name || !entry.left_out_users.insert(*name).second) continue;
      // Accounts come and go; to leave out one that has gone does no harm, unless it is misspelt.
      if (!system_.find_user(*name)) {
        report_.warning(element, "there is no user " + in_quotes(*name));
      }
    }
  }
  if (const auto groups = except.find("groups")) {
    if (!report_.expect(*groups, JsonKind::array)) return false;
    for (JsonValue element : *groups) {
      const auto gid = identities_.read_group(element);
      good = good && gid;
      if (gid) entry.left_out_groups.insert(*gid);
    }
  }
  return good;
}

bool AccountVhostsReader::add_site(JsonValue vhost, const Entry& entry, const NamedAccount& named,
                                   AccountTally& tally) {
  const auto& [name, account] = named;
  const auto is_left_out = [&entry](Gid gid) { return entry.left_out_groups.contains(gid); };
  if (entry.left_out_users.contains(name) || is_left_out(account.gid) ||
      std::any_of(account.groups.begin(), account.groups.end(), is_left_out)) {
    return false;
  }
  std::vector<HostPattern> hosts = free_hosts(entry, name, tally);
  if (hosts.empty()) return false;
  const auto uid = TenantUid::make(account.uid, identities_.range());
  if (!uid) return false;
  if (!identities_.is_mapped(account.gid)) {
    tally.unmapped.add(in_quotes(name) + " (gid " + std::to_string(account.gid.value) + ")");
    return false;
  }
  const std::string root = with_account_name(entry.root, name);
  const JsonValue user = *vhost.find("user");
  SiteIdentity identity = identities_.identity_of(named, *uid, user);
  if (!has_root(vhost, identity, root, name, tally)) return false;
  if (sites_.has_uid(*uid)) tally.shared.add(in_quotes(name));
  std::string tmp;
  if (entry.values.tmp) {
    tmp = with_account_name(entry.values.tmp->path, name);
    if (!problem_of_tmp(system_, identity, tmp, root).sentence.empty()) {
      tally.tmpless.add(in_quotes(name));
      tmp.clear();
    }
  }
  sites_.add(std::move(hosts), *vhost.find("hosts"), identity, root, std::move(tmp), entry.values);
  return true;
}

bool AccountVhostsReader::has_root(JsonValue vhost, const SiteIdentity& identity,
                                   const std::string& root, const std::string& name,
                                   AccountTally& tally) {
  const RootAnswer answer = sites_.try_root(identity, root);
  if (answer.kind == RootAnswer::Kind::missing) {
    tally.rootless.add(in_quotes(name));
    return false;
  }
  if (const RootProblem problem = problem_of(answer, root, identity); !problem.sentence.empty()) {
    if (tally.told_roots++ < told_one_by_one) {
      report_.warning(*vhost.find("root"), problem.sentence + "; the account has no site",
                      problem.hint);
    } else {
      tally.closed_root.add(in_quotes(name));
    }
    return false;
  }
  return true;
}

// The account's hosts that no vhost has. None if the account has a name that no host can have.
std::vector<HostPattern> AccountVhostsReader::free_hosts(const Entry& entry,
                                                         const std::string& name,
                                                         AccountTally& tally) {
  std::vector<HostPattern> hosts;
  bool taken = false;
  for (const HostPattern& pattern : entry.hosts) {
    const std::string text = name + "." + std::string(pattern.name.view());
    const auto host = HostPattern::parse(text);
    if (!is_label(name) || !host || text.size() > longest_first_host) {
      tally.unnameable.add(in_quotes(name));
      return {};
    }
    const bool is_free =
        !sites_.find(*host) && std::find(hosts.begin(), hosts.end(), *host) == hosts.end();
    taken = taken || !is_free;
    if (is_free) hosts.push_back(*host);
  }
  if (taken) tally.elsewhere.add(in_quotes(name));
  return hosts;
}

}  // namespace perchild
