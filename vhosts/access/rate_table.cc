#include "vhosts/access/rate_table.h"

#include <algorithm>

namespace perchild::access {

RateTable::RateTable(RateSettings settings, Buckets* shared)
    : interval_(std::chrono::nanoseconds(settings.per) / settings.count),
      depth_(interval_ * std::max<std::uint32_t>(settings.burst, 1)),
      buckets_(shared) {}

RateTable::Bucket* RateTable::find(std::uint64_t key) const {
  if (buckets_ == nullptr) return nullptr;
  Bucket* const set = set_of(key);
  Bucket* const found =
      std::find_if(set, set + ways, [&](const Bucket& b) { return b.key == key; });
  return found == set + ways ? nullptr : found;
}

RateTable::Bucket& RateTable::find_or_replace(std::uint64_t key) {
  if (buckets_ == nullptr) {
    own_ = std::make_unique<Buckets>();
    buckets_ = own_.get();
  }
  if (Bucket* found = find(key)) return *found;
  Bucket* const set = set_of(key);
  Bucket& soonest = *std::min_element(
      set, set + ways, [](const Bucket& a, const Bucket& b) { return a.full_at < b.full_at; });
  soonest.full_at = 0;
  soonest.key = key;
  return soonest;
}

// Nobody's bucket is emptier than empty.
RateTable::Time RateTable::believed(Time::rep full_at, Time now) const {
  return std::min(Time(Time::duration(full_at)), now + depth_);
}

std::chrono::nanoseconds RateTable::wait_until(Time full_at, Time now) const {
  // What is missing from the bucket, and one more, must fit into it.
  const auto over = std::max(full_at, now) + interval_ - now - depth_;
  return std::max(over, std::chrono::nanoseconds::zero());
}

std::chrono::nanoseconds RateTable::take(std::uint64_t key, Time now) {
  Bucket& bucket = find_or_replace(key);
  for (;;) {
    Time::rep seen = bucket.full_at;
    const Time full_at = believed(seen, now);
    const auto wait = wait_until(full_at, now);
    if (wait.count() != 0) return wait;
    const Time later = std::max(full_at, now) + interval_;
    if (bucket.full_at.compare_exchange_strong(seen, later.time_since_epoch().count())) return wait;
  }
}

std::chrono::nanoseconds RateTable::wait_of(std::uint64_t key, Time now) const {
  const Bucket* bucket = find(key);
  return bucket == nullptr ? std::chrono::nanoseconds::zero()
                           : wait_until(believed(bucket->full_at, now), now);
}

}  // namespace perchild::access
