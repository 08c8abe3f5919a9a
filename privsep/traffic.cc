#include "privsep/traffic.h"

#include <numeric>

namespace perchild {

std::uint64_t LatencyHistogram::all() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

LatencyHistogram& LatencyHistogram::operator+=(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  total_us += other.total_us;
  return *this;
}

double LatencyHistogram::quantile_us(double share) const {
  if (all() == 0) return 0;
  const double wanted = share * static_cast<double>(all());
  double below = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    const auto here = static_cast<double>(counts[bucket]);
    if (here > 0 && below + here >= wanted) {
      const double from = bucket == 0 ? 0 : static_cast<double>(bound_us(bucket - 1));
      const auto to = static_cast<double>(bound_us(bucket));
      return from + (to - from) * std::max(0.0, wanted - below) / here;
    }
    below += here;
  }
  return static_cast<double>(bound_us(buckets - 1));
}

std::uint64_t Traffic::all_requests() const {
  return std::accumulate(requests.begin(), requests.end(), std::uint64_t{0});
}

Traffic& Traffic::operator+=(const Traffic& other) {
  for (std::size_t i = 0; i < requests.size(); ++i) requests[i] += other.requests[i];
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  latency += other.latency;
  return *this;
}

}  // namespace perchild
