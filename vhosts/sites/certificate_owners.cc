#include "vhosts/sites/certificate_owners.h"

#include <algorithm>

namespace perchild {
namespace {

// Without its first label; empty if there is no other.
std::string_view parent_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

}  // namespace

CertificateOwners::CertificateOwners(const Configuration& configuration) {
  for (const Site& site : configuration.sites) {
    for (const HostPattern& host : site.hosts) {
      const std::string_view name = host.name.view();
      (host.wildcard ? wildcards_ : exact_).emplace(name, &site);
      if (host.wildcard) continue;
      Below& below = below_[parent_of(name)];
      below.several = below.several || (below.one != nullptr && below.one != &site);
      below.one = &site;
    }
  }
}

// Of the longest wildcard that `name` lies below.
const Site* CertificateOwners::owner_above(std::string_view name) const {
  while (!(name = parent_of(name)).empty()) {
    const auto found = wildcards_.find(name);
    if (found != wildcards_.end()) return found->second;
  }
  return nullptr;
}

bool CertificateOwners::is_anothers(std::string_view name, const Site& site) const {
  const Site* owner = nullptr;
  if (name.starts_with("*.")) {
    const auto below = below_.find(name.substr(2));
    if (below != below_.end() && (below->second.several || below->second.one != &site)) return true;
    owner = owner_above(name);
  } else {
    const auto found = exact_.find(name);
    owner = found != exact_.end() ? found->second : owner_above(name);
  }
  return owner != nullptr && owner != &site;
}

bool CertificateOwners::are_shared(const Site& site) const {
  return std::any_of(site.certificate_names.begin(), site.certificate_names.end(),
                     [&](const std::string& name) { return is_anothers(name, site); });
}

}  // namespace perchild
