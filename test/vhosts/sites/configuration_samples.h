// Configurations by hosts alone.
#pragma once

#include <string_view>
#include <vector>

#include "policy/configuration.h"

namespace perchild::test {

inline HostName host(std::string_view text) {
  return HostName::parse(text).value();
}

inline Site site_of(std::uint32_t number, const std::vector<std::string_view>& hosts) {
  constexpr IdRange range{20000, 59999};
  Site site{.hosts = {},
            .uid = TenantUid::make(Uid{20000 + number % 30000}, range).value(),
            .gid = Gid{20000},
            .groups = {},
            .root = "/srv/site",
            .content = {},
            .timeouts = {},
            .limits = {}};
  for (const std::string_view text : hosts) site.hosts.push_back(HostPattern::parse(text).value());
  return site;
}

inline Configuration configuration_of(const std::vector<std::vector<std::string_view>>& sites) {
  Configuration configuration;
  for (const auto& hosts : sites) {
    configuration.sites.push_back(
        site_of(static_cast<std::uint32_t>(configuration.sites.size()), hosts));
  }
  return configuration;
}

}  // namespace perchild::test
