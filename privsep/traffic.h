// How much a site's workers have served.
//
// Runs in: worker (counts), master (adds up), command (shows).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace perchild {

// How long requests took, in buckets that double: bucket b counts what took at most 2^b
// microseconds and more than the one before; the last one all that took longer.
struct LatencyHistogram {
  static constexpr std::size_t buckets = 28;
  std::array<std::uint64_t, buckets> counts{};
  std::uint64_t total_us = 0;  // of all together

  static constexpr std::size_t bucket_of(std::chrono::nanoseconds duration) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
    const std::uint64_t us = (ns + 999) / 1000;
    return us <= 1 ? 0 : std::min<std::size_t>(std::bit_width(us - 1), buckets - 1);
  }
  static constexpr std::uint64_t bound_us(std::size_t bucket) { return std::uint64_t{1} << bucket; }

  void add(std::chrono::nanoseconds duration, std::uint64_t times = 1) {
    counts[bucket_of(duration)] += times;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    total_us += static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0)) * times;
  }

  // By when the given share of requests had been answered, in microseconds; 0 if there were none.
  // Inside its bucket a quantile is taken to lie where an even spread would put it.
  double quantile_us(double share) const;
  std::uint64_t all() const;
  LatencyHistogram& operator+=(const LatencyHistogram& other);
  friend bool operator==(const LatencyHistogram&, const LatencyHistogram&) = default;
};

struct Traffic {
  // By the first digit of their status, 1 to 5. Of what cannot be anything, 0.
  std::array<std::uint64_t, 6> requests{};
  std::uint64_t bytes_in = 0;   // heads and bodies of requests
  std::uint64_t bytes_out = 0;  // heads and bodies of responses
  LatencyHistogram latency{};   // from a request's head to its response, sent

  void count(int status, std::uint64_t in, std::uint64_t out) {
    ++requests[status >= 100 && status < 600 ? static_cast<std::size_t>(status) / 100 : 0];
    bytes_in += in;
    bytes_out += out;
  }
  std::uint64_t all_requests() const;
  Traffic& operator+=(const Traffic& other);
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

}  // namespace perchild
