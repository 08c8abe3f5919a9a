// SipHash-2-4 (Aumasson and Bernstein, 2012): a short hash that nobody can foresee, or make
// collide, without the key. For tables whose keys strangers choose; it keeps no secret from who has
// the key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace perchild::access {

using HashKey = std::array<std::uint64_t, 2>;

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const Hash128&) const = default;
};

Hash128 keyed_hash(const HashKey& key, std::string_view bytes);

}  // namespace perchild::access
