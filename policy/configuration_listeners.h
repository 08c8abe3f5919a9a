// The "listen" section: which addresses are bound.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"
#include "policy/configuration_report.h"

namespace perchild {

// "127.0.0.1:8080", "[::1]:8080", or "*:80", which is two addresses, IPv4 first.
struct ParsedAddress {
  std::vector<ListenAddress> addresses;  // empty: it is none, and `problem` says why
  bool every_family = false;
  std::string problem;
  std::string hint;
};
ParsedAddress parse_listen_address(std::string_view text);

// Finds the site that has this host in its list.
using SiteFinder = std::function<std::optional<SiteId>(const HostPattern&)>;

std::vector<Listener> read_listeners(Report& report, JsonValue listen, const SiteFinder& find_site);

}  // namespace perchild
