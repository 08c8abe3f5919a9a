#include "policy/id_map.h"

#include <algorithm>

namespace perchild {

std::vector<IdRange> IdMap::extents() const {
  std::vector<IdRange> sorted = extents_;
  std::sort(sorted.begin(), sorted.end());
  std::vector<IdRange> joined;
  for (const IdRange& range : sorted) {
    if (!joined.empty() && range.first <= std::uint64_t{joined.back().last} + 1) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::string IdMap::text() const {
  std::string text;
  for (const IdRange& range : extents()) {
    const std::string first = std::to_string(range.first);
    text += first + " " + first + " " + std::to_string(range.last - range.first + 1) + "\n";
  }
  return text;
}

IdMaps make_id_maps(const Configuration& configuration) {
  IdMaps maps;
  for (IdMap* map : {&maps.uids, &maps.gids}) map->add(configuration.id_range);
  for (const ServiceIds& service : {configuration.master, configuration.router}) {
    maps.uids.add(service.uid.value);
    maps.gids.add(service.gid.value);
  }
  for (const auto& service : {configuration.keeper, configuration.spare}) {
    if (!service) continue;
    maps.uids.add(service->uid.value);
    maps.gids.add(service->gid.value);
  }
  for (Gid gid : configuration.extra_groups) maps.gids.add(gid.value);
  return maps;
}

}  // namespace perchild
