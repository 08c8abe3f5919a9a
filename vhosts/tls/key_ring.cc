#include "vhosts/tls/key_ring.h"

#include <algorithm>

#include "policy/packed.h"

namespace perchild::tls {

std::string pack_key_ring(const Configuration& configuration) {
  const auto has_keys = [](const Site& site) { return !site.certificates.empty(); };
  PackedWriter writer;
  writer.put(static_cast<std::uint32_t>(
      std::count_if(configuration.sites.begin(), configuration.sites.end(), has_keys)));
  for (std::uint32_t site = 0; site < configuration.sites.size(); ++site) {
    const auto& certificates = configuration.sites[site].certificates;
    if (!has_keys(configuration.sites[site])) continue;
    writer.put(site);
    writer.put(static_cast<std::uint32_t>(certificates.size()));
    for (const Certificate& certificate : certificates) writer.put_text(certificate.key);
  }
  return writer.take();
}

std::optional<KeyRing> KeyRing::unpack(std::string_view bytes) {
  KeyRing ring;
  PackedReader reader(bytes);
  for (std::uint32_t sites = reader.get_count(); sites > 0 && !reader.failed(); --sites) {
    const SiteId site{reader.get<std::uint32_t>()};
    std::vector<std::string_view>& keys = ring.keys_[site];
    if (!keys.empty()) return std::nullopt;
    for (std::uint32_t left = reader.get_count(); left > 0; --left) {
      keys.push_back(reader.get_text());
      if (keys.back().empty()) return std::nullopt;
    }
    if (keys.empty()) return std::nullopt;
  }
  return reader.done() ? std::optional(std::move(ring)) : std::nullopt;
}

const std::vector<std::string_view>& KeyRing::keys_of(SiteId site) const {
  static const std::vector<std::string_view> none;
  const auto found = keys_.find(site);
  return found == keys_.end() ? none : found->second;
}

}  // namespace perchild::tls
