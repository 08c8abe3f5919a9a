// The private keys of all sites, packed by the command for the keeper alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"
#include "policy/ids.h"

namespace perchild::tls {

// Those of the sites that have any, in the order of their certificates.
std::string pack_key_ring(const Configuration& configuration);

class KeyRing {
 public:
  // `bytes` must outlive the ring. Nullopt if they are not what pack_key_ring() gives.
  static std::optional<KeyRing> unpack(std::string_view bytes);

  // PKCS #8, DER. Empty for a site that has none.
  const std::vector<std::string_view>& keys_of(SiteId site) const;

 private:
  std::map<SiteId, std::vector<std::string_view>> keys_;
};

}  // namespace perchild::tls
