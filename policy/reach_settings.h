// How visitors reach a site: under which of its names, over what, and through whom.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "policy/address_block.h"
#include "policy/host_name.h"

namespace perchild {

// Strict-Transport-Security (RFC 6797).
struct HstsSettings {
  std::chrono::seconds max_age{0};
  bool include_subdomains = false;
  bool preload = false;
  bool operator==(const HstsSettings&) const = default;
};

// The name to which a site's other names are redirected.
enum class Canonical : std::uint8_t {
  none,
  www,   // "www.name", of a name without it
  apex,  // "name", of one with it
  host,  // the one that is named
};

struct ReachSettings {
  Canonical canonical = Canonical::none;
  std::optional<HostName> canonical_host;  // with Canonical::host
  bool redirect_to_https = false;
  std::optional<HstsSettings> hsts;
  // Proxies whose word is taken for where a request comes from.
  std::vector<AddressBlock> trusted_proxies;
  bool operator==(const ReachSettings&) const = default;
};

}  // namespace perchild
