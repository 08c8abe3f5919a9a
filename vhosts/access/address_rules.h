// Whether an address may see something. The most specific block that holds it decides; of two equal
// blocks the one that denies. Who is in no block may if nobody is named as allowed.
#pragma once

#include <cstddef>
#include <vector>

#include "policy/access_settings.h"

namespace perchild::access {

class AddressRules {
 public:
  explicit AddressRules(std::vector<AddressRule> rules);

  bool empty() const { return rules_.empty(); }
  bool permits(const AddressBytes& address) const;

 private:
  // The rules whose blocks have one length, sorted by network.
  struct Group {
    std::uint8_t length;
    std::size_t begin;
    std::size_t end;
  };

  std::vector<AddressRule> rules_;
  std::vector<Group> groups_;  // from the longest length on
  bool otherwise_ = true;
};

}  // namespace perchild::access
