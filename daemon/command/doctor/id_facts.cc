#include "daemon/command/doctor/id_facts.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "daemon/command/serve/tables.h"
#include "policy/configuration_source.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

std::string text_of_file(const char* path) {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  return file.has_value() ? read_source(file.get()).text : std::string();
}

std::optional<std::uint64_t> id_in(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<SubIds> parse_sub_ids(std::string_view text, bool of_groups) {
  std::vector<SubIds> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first_colon = line.find(':');
    const std::size_t second_colon = line.find(':', first_colon + 1);
    if (first_colon == 0 || first_colon == line.npos || second_colon == line.npos) continue;
    const auto first = id_in(line.substr(first_colon + 1, second_colon - first_colon - 1));
    const auto count = id_in(line.substr(second_colon + 1));
    if (!first || !count || *count == 0) continue;
    all.push_back({std::string(line.substr(0, first_colon)), *first, *count, of_groups});
  }
  return all;
}

IdFacts look_at_ids(const Configuration& configuration, SystemView& system) {
  IdFacts facts;
  std::set<std::uint32_t> uids, gids;
  for (const Site& site : configuration.sites) {
    facts.sites.push_back({name_of(site), site.uid.uid(), site.gid, site.groups});
    uids.insert(site.uid.uid().value);
    gids.insert(site.gid.value);
    for (const Gid group : site.groups) gids.insert(group.value);
  }
  facts.services = {configuration.master.uid, configuration.router.uid};
  for (const auto& service : {configuration.keeper, configuration.spare}) {
    if (service) facts.services.push_back(service->uid);
  }
  for (NamedAccount& account : system.users_in(configuration.id_range)) {
    if (uids.count(account.account.uid.value) == 0) continue;
    gids.insert(account.account.gid.value);
    for (const Gid group : account.account.groups) gids.insert(group.value);
    facts.accounts.push_back(std::move(account));
  }
  for (const std::uint32_t gid : gids) {
    if (auto name = system.find_group_name(Gid{gid})) {
      facts.groups.push_back({Gid{gid}, std::move(*name)});
    }
  }
  facts.sub_ids = parse_sub_ids(text_of_file("/etc/subuid"), false);
  for (SubIds& line : parse_sub_ids(text_of_file("/etc/subgid"), true)) {
    facts.sub_ids.push_back(std::move(line));
  }
  return facts;
}

}  // namespace perchild
