// Who the sites' users are to the rest of the machine.
//
// Runs in: command, as root.
// Trusts: the account database, /etc/subuid, /etc/subgid.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"
#include "policy/system_view.h"

namespace perchild {

struct SiteIds {
  std::string name;
  Uid uid;
  Gid gid;
  std::vector<Gid> groups{};  // that its processes are in
};

// A line of /etc/subuid or /etc/subgid: ids that `owner` may take on in a user namespace.
struct SubIds {
  std::string owner;  // a user name, or a uid
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  bool of_groups = false;
};

struct NamedGroup {
  Gid gid;
  std::string name;
};

struct IdFacts {
  std::vector<SiteIds> sites;
  std::vector<Uid> services;           // master, router, keeper, spare
  std::vector<NamedAccount> accounts;  // that have a site's uid
  std::vector<NamedGroup> groups;      // those of sites and accounts that have a name
  std::vector<SubIds> sub_ids;
};

IdFacts look_at_ids(const Configuration& configuration, SystemView& system);

// Lines that are no "owner:first:count" are left out, as newuidmap(1) does.
std::vector<SubIds> parse_sub_ids(std::string_view text, bool of_groups);

}  // namespace perchild
