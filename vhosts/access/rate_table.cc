#include "vhosts/access/rate_table.h"

#include <algorithm>

namespace perchild::access {

RateTable::RateTable(RateSettings settings)
    : interval_(std::chrono::nanoseconds(settings.per) / settings.count),
      depth_(interval_ * std::max<std::uint32_t>(settings.burst, 1)) {}

const RateTable::Bucket* RateTable::find(std::uint64_t key) const {
  if (buckets_ == nullptr) return nullptr;
  const Bucket* set = &buckets_[key % sets * ways];
  const Bucket* found =
      std::find_if(set, set + ways, [&](const Bucket& b) { return b.key == key; });
  return found == set + ways ? nullptr : found;
}

RateTable::Bucket& RateTable::find_or_replace(std::uint64_t key) {
  if (buckets_ == nullptr) buckets_ = std::make_unique<Bucket[]>(sets * ways);
  if (const Bucket* found = find(key))
    return buckets_[static_cast<std::size_t>(found - &buckets_[0])];
  Bucket* set = &buckets_[key % sets * ways];
  Bucket& soonest = *std::min_element(
      set, set + ways, [](const Bucket& a, const Bucket& b) { return a.full_at < b.full_at; });
  soonest = {key, Time{}};
  return soonest;
}

std::chrono::nanoseconds RateTable::wait_until(Time full_at, Time now) const {
  // What is missing from the bucket, and one more, must fit into it.
  const auto over = std::max(full_at, now) + interval_ - now - depth_;
  return std::max(over, std::chrono::nanoseconds::zero());
}

std::chrono::nanoseconds RateTable::take(std::uint64_t key, Time now) {
  Bucket& bucket = find_or_replace(key);
  const auto wait = wait_until(bucket.full_at, now);
  if (wait.count() == 0) bucket.full_at = std::max(bucket.full_at, now) + interval_;
  return wait;
}

std::chrono::nanoseconds RateTable::wait_of(std::uint64_t key, Time now) const {
  const Bucket* bucket = find(key);
  return bucket == nullptr ? std::chrono::nanoseconds::zero() : wait_until(bucket->full_at, now);
}

}  // namespace perchild::access
