#include "vhosts/access/address_rules.h"

#include <algorithm>
#include <utility>

namespace perchild::access {

AddressRules::AddressRules(std::vector<AddressRule> rules) : rules_(std::move(rules)) {
  std::sort(rules_.begin(), rules_.end(), [](const AddressRule& a, const AddressRule& b) {
    if (a.block.length != b.block.length) return a.block.length > b.block.length;
    if (a.block.network != b.block.network) return a.block.network < b.block.network;
    return !a.allow && b.allow;
  });
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const std::uint8_t length = rules_[i].block.length;
    if (groups_.empty() || groups_.back().length != length) groups_.push_back({length, i, i});
    groups_.back().end = i + 1;
    if (rules_[i].allow) otherwise_ = false;
  }
}

bool AddressRules::permits(const AddressBytes& address) const {
  for (const Group& group : groups_) {
    const AddressBytes network = masked(address, group.length);
    const auto end = rules_.begin() + static_cast<std::ptrdiff_t>(group.end);
    const auto found =
        std::lower_bound(rules_.begin() + static_cast<std::ptrdiff_t>(group.begin), end, network,
                         [](const AddressRule& rule, const AddressBytes& wanted) {
                           return rule.block.network < wanted;
                         });
    if (found != end && found->block.network == network) return found->allow;
  }
  return otherwise_;
}

}  // namespace perchild::access
