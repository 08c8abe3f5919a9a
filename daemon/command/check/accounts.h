// The accounts of this machine, for many look-ups. /etc/passwd and /etc/group are read once:
// through the name service each look-up would read them again, which for 10,000 users takes
// minutes.
//
// Runs in: command, as the caller (root for serve).
// Trusts: /etc/passwd, /etc/group, /etc/nsswitch.conf and the name services that this names.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/ids.h"
#include "policy/system_view.h"

namespace perchild {

class Accounts {
 public:
  struct Files {
    std::string passwd = "/etc/passwd";
    std::string group = "/etc/group";
    std::string nsswitch = "/etc/nsswitch.conf";
  };
  Accounts() : Accounts(Files{}) {}
  explicit Accounts(const Files& files);

  std::optional<Account> find_user(const std::string& name);
  // By name, each once. A name service that does not enumerate (sssd, unless told to) adds none.
  std::vector<NamedAccount> users_in(IdRange range);
  std::optional<Gid> find_group_of(Uid uid);
  std::optional<Gid> find_group(const std::string& name);
  std::optional<std::string> find_group_name(Gid gid);

 private:
  struct Local {
    Uid uid;
    Gid gid;
  };
  void load_services(const std::string& path);
  void load_users(const std::string& path);
  void load_groups(const std::string& path);
  std::map<std::string, Local> all_users() const;
  std::vector<Gid> groups_of(const std::string& user, Gid primary) const;

  std::unordered_map<std::string, Local> users_;
  std::unordered_map<std::uint32_t, Gid> primary_groups_;  // by uid
  std::unordered_map<std::string, Gid> groups_;
  std::unordered_map<std::uint32_t, std::string> group_names_;
  std::unordered_map<std::string, std::vector<Gid>> memberships_;  // by user
  bool has_remote_users_ = false;   // a uid can have an account that /etc/passwd does not list
  bool has_remote_groups_ = false;  // a local user can be in groups that /etc/group does not list
};

}  // namespace perchild
