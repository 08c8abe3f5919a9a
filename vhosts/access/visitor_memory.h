// What is remembered of a site's visitors. Workers of one site can have it in memory that they
// share, so that what one of them has let a visitor do counts for all.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vhosts/access/keyed_hash.h"
#include "vhosts/access/rate_table.h"

namespace perchild::access {

struct VisitorMemory {
  std::array<std::atomic<std::uint64_t>, 2> key;
  RateTable::Buckets requests;
  RateTable::Buckets failures;
  RateTable::Buckets failures_of_users;

  // `zeroed`: at first; of that size, and at a page's beginning.
  static VisitorMemory& in(std::span<std::byte> zeroed) {
    return *reinterpret_cast<VisitorMemory*>(zeroed.data());
  }

  // The key that all hash by who share this: that of the first who asks.
  HashKey agree_on_key(const HashKey& proposed) {
    HashKey agreed = proposed;
    for (std::size_t i = 0; i < key.size(); ++i) {
      agreed[i] |= 1;  // 0 is nobody's yet
      std::uint64_t seen = 0;
      if (!key[i].compare_exchange_strong(seen, agreed[i])) agreed[i] = seen;
    }
    return agreed;
  }
};

}  // namespace perchild::access
