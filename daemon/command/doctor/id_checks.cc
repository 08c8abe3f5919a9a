#include "daemon/command/doctor/id_checks.h"

#include <algorithm>
#include <map>

#include "daemon/command/doctor/shell_word.h"

namespace perchild {
namespace {

constexpr std::uint32_t first_ordinary_uid = 1000;  // login.defs(5), UID_MIN

struct PowerfulGroup {
  const char* name;
  Severity severity;
  const char* power;
};
constexpr PowerfulGroup powerful_groups[] = {
    {"root", Severity::error, "it has what root's group may read and write"},
    {"disk", Severity::error, "it reads and writes every file by the disk under it"},
    {"kmem", Severity::error, "it reads the kernel's memory"},
    {"shadow", Severity::error, "it reads every password hash"},
    {"sudo", Severity::error, "it is root by sudo(8)"},
    {"wheel", Severity::error, "it is root by su(1) or sudo(8)"},
    {"docker", Severity::error, "it is root in a container that has the machine's files"},
    {"lxd", Severity::error, "it is root in a container that has the machine's files"},
    {"incus-admin", Severity::error, "it is root in a container that has the machine's files"},
    {"libvirt", Severity::error, "it is root in a machine that has this one's disks"},
    {"staff", Severity::error, "it writes /usr/local, which root executes from"},
    {"adm", Severity::warning, "it reads the machine's logs"},
    {"systemd-journal", Severity::warning, "it reads the machine's logs"},
    {"www-data", Severity::warning, "it reads what other web servers' sites open to that group"},
};

const PowerfulGroup* power_of(const IdFacts& facts, Gid gid) {
  for (const NamedGroup& group : facts.groups) {
    if (group.gid != gid) continue;
    for (const PowerfulGroup& powerful : powerful_groups) {
      if (group.name == powerful.name) return &powerful;
    }
  }
  return nullptr;
}

// "" if the uid has no account.
std::string user_of(const IdFacts& facts, Uid uid) {
  for (const NamedAccount& account : facts.accounts) {
    if (account.account.uid == uid) return account.name;
  }
  return {};
}

std::string leaving(const std::string& user, const PowerfulGroup& group) {
  return "gpasswd --delete " + shell_word(user) + " " + group.name;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

void check_shared_ids(const IdFacts& facts, Diagnosis& diagnosis) {
  std::map<std::uint32_t, std::vector<std::string>> by_uid;
  std::map<std::uint32_t, std::map<std::uint32_t, std::string>> by_gid;  // a site of each uid
  for (const SiteIds& site : facts.sites) {
    by_uid[site.uid.value].push_back(site.name);
    by_gid[site.gid.value].emplace(site.uid.value, site.name);
  }
  bool is_good = true;
  for (const auto& [uid, names] : by_uid) {
    if (names.size() < 2) continue;
    is_good = false;
    std::string user = names.back();
    std::replace(user.begin(), user.end(), '.', '-');
    diagnosis.add(
        {Severity::warning, "ids", "uid " + std::to_string(uid),
         "is that of " + std::to_string(names.size()) + " sites: " + listed(names),
         "whoever takes over one of them has the files of all; give each a user of its own, "
         "its files, and name it in the configuration",
         "useradd --user-group --no-create-home --shell /usr/sbin/nologin " + shell_word(user)});
  }
  for (const auto& [gid, sites] : by_gid) {
    if (sites.size() < 2) continue;
    is_good = false;
    std::vector<std::string> names;
    for (const auto& [uid, name] : sites) names.push_back(name);
    diagnosis.add({Severity::warning, "ids", "gid " + std::to_string(gid),
                   "is the group of several users' sites: " + listed(names),
                   "each can use what the others' files and folders permit their group",
                   "groupadd " + shell_word("site-" + std::to_string(sites.rbegin()->first))});
  }
  if (is_good && !facts.sites.empty()) {
    diagnosis.is_in_order("ids: each site has a uid and a gid of its own");
  }
}

void check_site_ids(const IdFacts& facts, Diagnosis& diagnosis) {
  bool is_good = true;
  for (const SiteIds& site : facts.sites) {
    const std::string uid = std::to_string(site.uid.value);
    const bool is_service =
        std::find(facts.services.begin(), facts.services.end(), site.uid) != facts.services.end();
    if (site.uid.value == 0 || is_service) {
      is_good = false;
      diagnosis.add({Severity::error, "ids", site.name,
                     "runs as uid " + uid + ", which is root's or one of the service's own",
                     "its programs are what the walls are to be built against", ""});
    } else if (site.uid.value < first_ordinary_uid) {
      is_good = false;
      diagnosis.add({Severity::warning, "ids", site.name,
                     "runs as uid " + uid + ", of the range of the system's own users",
                     "a daemon may have, or be given, the same uid, and with it the site's files",
                     ""});
    }
    for (const Gid gid : site.groups) {
      const PowerfulGroup* const group = power_of(facts, gid);
      if (group == nullptr) continue;
      is_good = false;
      const std::string user = user_of(facts, site.uid);
      diagnosis.add({group->severity, "ids", site.name,
                     std::string("has processes in group ") + group->name,
                     std::string(group->power) +
                         "; take the group out of \"groups\" in the configuration, too",
                     user.empty() ? "" : leaving(user, *group)});
    }
  }
  if (is_good && !facts.sites.empty()) {
    diagnosis.is_in_order("ids: no site runs as a system user or in a powerful group");
  }
}

// What perchild keeps from a site's processes, the same user's logins and cron jobs have.
void check_accounts(const IdFacts& facts, Diagnosis& diagnosis) {
  for (const NamedAccount& account : facts.accounts) {
    std::vector<Gid> groups = account.account.groups;
    groups.push_back(account.account.gid);
    for (const Gid gid : groups) {
      const PowerfulGroup* const group = power_of(facts, gid);
      if (group == nullptr) continue;
      diagnosis.add({Severity::warning, "ids", "user " + shell_word(account.name),
                     std::string("is in group ") + group->name,
                     std::string(group->power) +
                         "; not the site's processes are in it, but the user's logins and jobs",
                     leaving(account.name, *group)});
    }
  }
}

void check_sub_ids(const IdFacts& facts, Diagnosis& diagnosis) {
  bool is_good = true;
  for (const SubIds& range : facts.sub_ids) {
    std::vector<std::string> reached;
    for (const SiteIds& site : facts.sites) {
      const std::uint32_t id = range.of_groups ? site.gid.value : site.uid.value;
      if (id - range.first < range.count && id >= range.first) reached.push_back(site.name);
    }
    for (const Uid service : facts.services) {
      if (service.value >= range.first && service.value - range.first < range.count) {
        reached.push_back("the service's uid " + std::to_string(service.value));
      }
    }
    if (reached.empty()) continue;
    is_good = false;
    const std::string last = std::to_string(range.first + range.count - 1);
    const std::string ids = std::to_string(range.first) + "-" + last;
    diagnosis.add({Severity::error, "ids", "user " + shell_word(range.owner),
                   std::string("may take on the ") + (range.of_groups ? "gids " : "uids ") + ids +
                       ", among them those of " + listed(reached),
                   "by newuidmap(1) or newgidmap(1) these files are that user's own",
                   std::string("usermod ") +
                       (range.of_groups ? "--del-subgids " : "--del-subuids ") + ids + " " +
                       shell_word(range.owner)});
  }
  if (is_good) diagnosis.is_in_order("ids: nobody has a site's ids as subordinate ids");
}

}  // namespace

void check_ids(const IdFacts& facts, Diagnosis& diagnosis) {
  check_shared_ids(facts, diagnosis);
  check_site_ids(facts, diagnosis);
  check_accounts(facts, diagnosis);
  check_sub_ids(facts, diagnosis);
}

}  // namespace perchild
