// How often each of very many may do something: a bucket for each, in a table that does not grow.
//
// A bucket is one moment: when it will be full again. Where there is no room for one more, that of
// its neighbourhood which is full soonest is forgotten, which can only be to somebody's advantage.
//
// Several processes may use one table at a time. Two that make room at the same moment can get into
// each other's way: a visitor is then let in once more, or a bucket is another's for an instant.
// What stands in it is not believed further than it could be true.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "policy/access_settings.h"

namespace perchild::access {

class RateTable {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::size_t sets = 1024;
  static constexpr std::size_t ways = 8;

  struct Bucket {
    std::atomic<std::uint64_t> key;
    std::atomic<Time::rep> full_at;
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  using Buckets = std::array<Bucket, sets * ways>;  // all zero at first

  // `settings.count` is not 0. Without `shared`, which outlives it, the table has its own buckets.
  explicit RateTable(RateSettings settings, Buckets* shared = nullptr);

  // Takes one out of the bucket of `key`, which is a hash that strangers cannot foresee. If it is
  // empty nothing is taken, and what is said is how long until it is not; else zero.
  std::chrono::nanoseconds take(std::uint64_t key, Time now);
  // The same without taking.
  std::chrono::nanoseconds wait_of(std::uint64_t key, Time now) const;

 private:
  Bucket* set_of(std::uint64_t key) const { return buckets_->data() + key % sets * ways; }
  Bucket* find(std::uint64_t key) const;
  Bucket& find_or_replace(std::uint64_t key);
  Time believed(Time::rep full_at, Time now) const;
  std::chrono::nanoseconds wait_until(Time full_at, Time now) const;

  std::chrono::nanoseconds interval_;  // in which one comes back
  std::chrono::nanoseconds depth_;     // of a whole bucket
  std::unique_ptr<Buckets> own_;       // made with the first one: most sites never have any
  Buckets* buckets_;
};

}  // namespace perchild::access
