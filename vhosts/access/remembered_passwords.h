// Passwords that have been found right a little while ago, so that a page with fifty pictures costs
// one hash. What is kept is a keyed hash of list, user and password.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "vhosts/access/credentials.h"
#include "vhosts/access/keyed_hash.h"

namespace perchild::access {

class RememberedPasswords {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RememberedPasswords(const HashKey& key) : key_(key) {}

  bool knows(std::uint32_t list, const Credentials& credentials, Time now) const;
  // In the place of the one that would be forgotten first, if there is no room.
  void remember(std::uint32_t list, const Credentials& credentials, Time now);
  void forget_all() { entries_ = {}; }

  static constexpr std::size_t most = 128;
  // A password that is changed, or a user who is removed, holds for as long.
  static constexpr std::chrono::seconds lifetime{60};

 private:
  struct Entry {
    Hash128 hash;
    Time until{};
  };
  Hash128 hash_of(std::uint32_t list, const Credentials& credentials) const;

  HashKey key_;
  std::array<Entry, most> entries_{};
};

}  // namespace perchild::access
