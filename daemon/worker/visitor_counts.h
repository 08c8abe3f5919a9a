// How many connections each visitor has open.
//
// Runs in: worker.
#pragma once

#include <cstddef>
#include <map>

#include "policy/address_block.h"

namespace perchild {

class VisitorCounts {
 public:
  // `most` of 0 counts nothing: every visitor may come.
  explicit VisitorCounts(std::size_t most) : most_(most) {}

  // Whether the visitor has no more than it may, with this one. To be removed again in any case.
  bool add(const AddressBytes& client) {
    return most_ == 0 || ++counts_[visitor_of(client)] <= most_;
  }
  void remove(const AddressBytes& client) {
    if (most_ == 0) return;
    const auto found = counts_.find(visitor_of(client));
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
  }

 private:
  std::size_t most_;
  std::map<AddressBytes, std::size_t> counts_;  // bounded by the worker's connections
};

}  // namespace perchild
