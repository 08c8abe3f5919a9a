// How many connections each client address has here: IPv4 addresses whole, IPv6 by /64, which is
// what one customer gets.
//
// Runs in: router.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "daemon/router/stranger.h"

namespace perchild {

class AddressCounter {
 public:
  // `seed` keeps clients from choosing addresses that meet in one bucket.
  explicit AddressCounter(std::uint64_t seed) : counts_(64, Hash{seed}) {}

  std::uint32_t count(const Address& address) const;
  void add(const Address& address) { ++counts_[key_of(address)]; }
  void remove(const Address& address);

 private:
  struct Key {
    std::uint64_t high, low;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const Key& key) const noexcept;
  };
  static Key key_of(const Address& address);

  std::unordered_map<Key, std::uint32_t, Hash> counts_;
};

}  // namespace perchild
