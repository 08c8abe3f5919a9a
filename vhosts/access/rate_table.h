// How often each of very many may do something: a bucket for each, in a table that does not grow.
//
// A bucket is one moment: when it will be full again. Where there is no room for one more, that of
// its neighbourhood which is full soonest is forgotten, which can only be to somebody's advantage.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "policy/access_settings.h"

namespace perchild::access {

class RateTable {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `settings.count` is not 0.
  explicit RateTable(RateSettings settings);

  // Takes one out of the bucket of `key`, which is a hash that strangers cannot foresee. If it is
  // empty nothing is taken, and what is said is how long until it is not; else zero.
  std::chrono::nanoseconds take(std::uint64_t key, Time now);
  // The same without taking.
  std::chrono::nanoseconds wait_of(std::uint64_t key, Time now) const;

  static constexpr std::size_t sets = 1024;
  static constexpr std::size_t ways = 8;

 private:
  struct Bucket {
    std::uint64_t key = 0;
    Time full_at{};
  };
  const Bucket* find(std::uint64_t key) const;
  Bucket& find_or_replace(std::uint64_t key);
  std::chrono::nanoseconds wait_until(Time full_at, Time now) const;

  std::chrono::nanoseconds interval_;  // in which one comes back
  std::chrono::nanoseconds depth_;     // of a whole bucket
  std::unique_ptr<Bucket[]> buckets_;  // made with the first one: most sites never have any
};

}  // namespace perchild::access
