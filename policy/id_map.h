// The ids that exist in the service's user namespace, and whether the kernel takes so many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "policy/ids.h"

namespace perchild {

// Extents of ids, each mapped to itself.
class IdMap {
 public:
  // user_namespaces(7), for a map written at once: no more extents, and less than a page of text,
  // which numbers of five digits fill first.
  static constexpr std::size_t max_extents = 340;
  static constexpr std::size_t text_bound = 4096;

  void add(IdRange range) { extents_.push_back(range); }
  void add(std::uint32_t id) { add({id, id}); }

  // Sorted, joined where they touch or overlap; what is written to /proc/PID/uid_map.
  std::string text() const;
  std::vector<IdRange> extents() const;

  bool fits() const { return extents().size() <= max_extents && text().size() < text_bound; }

 private:
  std::vector<IdRange> extents_;
};

struct IdMaps {
  IdMap uids;
  IdMap gids;
};

// The service ids, the tenants' range, and the extra groups.
IdMaps make_id_maps(const Configuration& configuration);

}  // namespace perchild
