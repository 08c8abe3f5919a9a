#include "daemon/command/check/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

namespace perchild {
namespace {

constexpr std::size_t first_buffer = 4096;
constexpr std::size_t largest_buffer = 16 * 1024 * 1024;  // a group's line lists its members
constexpr int most_groups = 65'536;                       // NGROUPS_MAX

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;

OpenFile open_file(const std::string& path) {
  return OpenFile(std::fopen(path.c_str(), "re"));
}

// Calls look_up(entry, buffer, size, &result) with a buffer that is large enough.
template <typename Entry, typename LookUp>
bool look_up_entry(Entry& entry, std::vector<char>& buffer, LookUp look_up) {
  buffer.resize(first_buffer);
  while (true) {
    Entry* result = nullptr;
    const int error = look_up(&entry, buffer.data(), buffer.size(), &result);
    if (error == EINTR) continue;
    if (error != ERANGE || buffer.size() >= largest_buffer) return error == 0 && result != nullptr;
    buffer.resize(buffer.size() * 2);
  }
}

// "+name" and "-name" refer to NIS and are no accounts.
bool is_compat_line(const char* name) {
  return *name == '+' || *name == '-';
}

// Whether a line of nsswitch.conf(5) names services that know more than the two files do. What
// systemd adds does not count: users of running units, which own no site, and those of homed, whose
// gid is their uid and who are in no further groups. It is slow.
bool names_remote_services(const std::string& services) {
  std::istringstream words(services);
  std::string word;
  while (words >> word) {
    if (word.front() == '#') break;
    if (word.front() == '[') continue;
    if (word != "files" && word != "systemd" && word != "compat") return true;
  }
  return false;
}

std::vector<Gid> listed_groups(const std::string& user, Gid primary) {
  std::vector<::gid_t> gids(64);
  int count = static_cast<int>(gids.size());
  while (::getgrouplist(user.c_str(), primary.value, gids.data(), &count) < 0) {
    const std::size_t wanted = std::max(static_cast<std::size_t>(count), gids.size() * 2);
    if (wanted > static_cast<std::size_t>(most_groups)) return {};
    gids.resize(wanted);
    count = static_cast<int>(gids.size());
  }
  gids.resize(static_cast<std::size_t>(count));
  std::vector<Gid> groups;
  for (::gid_t gid : gids) groups.push_back(Gid{gid});
  return groups;
}

}  // namespace

Accounts::Accounts(const Files& files) {
  load_services(files.nsswitch);
  load_users(files.passwd);
  load_groups(files.group);
}

void Accounts::load_services(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || !names_remote_services(line.substr(colon + 1))) continue;
    std::string database;
    std::istringstream(line.substr(0, colon)) >> database;
    if (database == "passwd") has_remote_users_ = true;
    if (database == "group" || database == "initgroups") has_remote_groups_ = true;
  }
}

void Accounts::load_users(const std::string& path) {
  const OpenFile file = open_file(path);
  if (!file) return;
  ::passwd entry{};
  std::vector<char> buffer;
  const auto next = [&file](::passwd* into, char* data, std::size_t size, ::passwd** result) {
    return ::fgetpwent_r(file.get(), into, data, size, result);
  };
  while (look_up_entry(entry, buffer, next)) {
    if (is_compat_line(entry.pw_name)) continue;
    // The first line counts, as it does for getpwnam(3).
    users_.try_emplace(entry.pw_name, Local{Uid{entry.pw_uid}, Gid{entry.pw_gid}});
    primary_groups_.try_emplace(entry.pw_uid, Gid{entry.pw_gid});
  }
}

void Accounts::load_groups(const std::string& path) {
  const OpenFile file = open_file(path);
  if (!file) return;
  ::group entry{};
  std::vector<char> buffer;
  const auto next = [&file](::group* into, char* data, std::size_t size, ::group** result) {
    return ::fgetgrent_r(file.get(), into, data, size, result);
  };
  while (look_up_entry(entry, buffer, next)) {
    if (is_compat_line(entry.gr_name)) continue;
    groups_.try_emplace(entry.gr_name, Gid{entry.gr_gid});
    group_names_.try_emplace(entry.gr_gid, entry.gr_name);
    for (char** member = entry.gr_mem; *member != nullptr; ++member) {
      memberships_[*member].push_back(Gid{entry.gr_gid});
    }
  }
}

std::vector<Gid> Accounts::groups_of(const std::string& user, Gid primary) const {
  std::vector<Gid> groups;
  if (has_remote_groups_ || !users_.contains(user)) {
    groups = listed_groups(user, primary);
  } else if (const auto found = memberships_.find(user); found != memberships_.end()) {
    groups = found->second;
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  groups.erase(std::remove(groups.begin(), groups.end(), primary), groups.end());
  return groups;
}

std::optional<Account> Accounts::find_user(const std::string& name) {
  const auto local = users_.find(name);
  if (local != users_.end()) {
    const auto& [uid, gid] = local->second;
    return Account{uid, gid, groups_of(name, gid)};
  }
  ::passwd entry{};
  std::vector<char> buffer;
  const auto by_name = [&name](::passwd* into, char* data, std::size_t size, ::passwd** result) {
    return ::getpwnam_r(name.c_str(), into, data, size, result);
  };
  if (!look_up_entry(entry, buffer, by_name)) return std::nullopt;
  const Gid gid{entry.pw_gid};
  return Account{Uid{entry.pw_uid}, gid, groups_of(name, gid)};
}

std::map<std::string, Accounts::Local> Accounts::all_users() const {
  std::map<std::string, Local> all(users_.begin(), users_.end());
  if (!has_remote_users_) return all;
  ::passwd entry{};
  std::vector<char> buffer;
  ::setpwent();
  while (look_up_entry(entry, buffer, ::getpwent_r)) {
    if (is_compat_line(entry.pw_name)) continue;
    all.try_emplace(entry.pw_name, Local{Uid{entry.pw_uid}, Gid{entry.pw_gid}});
  }
  ::endpwent();
  return all;
}

std::vector<NamedAccount> Accounts::users_in(IdRange range) {
  std::vector<NamedAccount> users;
  for (const auto& [name, ids] : all_users()) {
    if (!range.contains(ids.uid.value)) continue;
    users.push_back({name, {ids.uid, ids.gid, groups_of(name, ids.gid)}});
  }
  return users;
}

std::optional<Gid> Accounts::find_group_of(Uid uid) {
  const auto local = primary_groups_.find(uid.value);
  if (local != primary_groups_.end()) return local->second;
  if (!has_remote_users_) return std::nullopt;
  ::passwd entry{};
  std::vector<char> buffer;
  const auto by_uid = [uid](::passwd* into, char* data, std::size_t size, ::passwd** result) {
    return ::getpwuid_r(uid.value, into, data, size, result);
  };
  if (!look_up_entry(entry, buffer, by_uid)) return std::nullopt;
  return Gid{entry.pw_gid};
}

std::optional<Gid> Accounts::find_group(const std::string& name) {
  const auto local = groups_.find(name);
  if (local != groups_.end()) return local->second;
  ::group entry{};
  std::vector<char> buffer;
  const auto by_name = [&name](::group* into, char* data, std::size_t size, ::group** result) {
    return ::getgrnam_r(name.c_str(), into, data, size, result);
  };
  if (!look_up_entry(entry, buffer, by_name)) return std::nullopt;
  return Gid{entry.gr_gid};
}

std::optional<std::string> Accounts::find_group_name(Gid gid) {
  const auto local = group_names_.find(gid.value);
  if (local != group_names_.end()) return local->second;
  ::group entry{};
  std::vector<char> buffer;
  const auto by_gid = [gid](::group* into, char* data, std::size_t size, ::group** result) {
    return ::getgrgid_r(gid.value, into, data, size, result);
  };
  if (!look_up_entry(entry, buffer, by_gid)) return std::nullopt;
  return std::string(entry.gr_name);
}

}  // namespace perchild
