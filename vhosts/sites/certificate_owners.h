// Which sites have certificates for names of other sites. A browser that has an HTTP/2 connection
// sends requests for every name of its certificate on it (RFC 9113, 9.1.1), and a connection is one
// site's.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>

#include "policy/configuration.h"

namespace perchild {

class CertificateOwners {
 public:
  // The configuration outlives this.
  explicit CertificateOwners(const Configuration& configuration);

  // Whether a name that one of the site's certificates is for is another site's.
  bool are_shared(const Site& site) const;

 private:
  // Of the names right below one: whose they are.
  struct Below {
    const Site* one = nullptr;
    bool several = false;
  };

  bool is_anothers(std::string_view name, const Site& site) const;
  const Site* owner_above(std::string_view name) const;

  std::unordered_map<std::string_view, const Site*> exact_;
  std::unordered_map<std::string_view, const Site*> wildcards_;  // by the name below the star
  std::unordered_map<std::string_view, Below> below_;
};

}  // namespace perchild
