// The user namespace that the service lives in: a few ids, each mapped to itself, and no others.
//
// Runs in: command, as root, once.
// Trusts: the configuration, checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/ids.h"
#include "privsep/result.h"

namespace perchild {

// Extents of ids, each mapped to itself. user_namespaces(7) allows 340 in a map.
class IdMap {
 public:
  static constexpr std::size_t max_extents = 340;

  void add(IdRange range) { extents_.push_back(range); }
  void add(std::uint32_t id) { add({id, id}); }

  // Sorted, joined where they touch or overlap; what is written to /proc/PID/uid_map.
  std::string text() const;
  std::vector<IdRange> extents() const;

 private:
  std::vector<IdRange> extents_;
};

// Moves this single-threaded process, which must be root, into a new user namespace with these
// maps. It then has every capability in the new namespace and none in the old one; its own id, 0,
// is not mapped there, so the next thing to do is drop_to_identity().
Result<void> enter_user_namespace(const IdMap& uids, const IdMap& gids);

}  // namespace perchild
