#include "privsep/traffic.h"

#include <gtest/gtest.h>

namespace perchild::test::traffic_test {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(LatencyHistogram, ABucketHoldsWhatTookAtMostItsBound) {
  EXPECT_EQ(LatencyHistogram::bucket_of(nanoseconds(-5)), 0U);
  EXPECT_EQ(LatencyHistogram::bucket_of(nanoseconds(0)), 0U);
  EXPECT_EQ(LatencyHistogram::bucket_of(microseconds(1)), 0U);
  EXPECT_EQ(LatencyHistogram::bucket_of(nanoseconds(1001)), 1U);
  for (std::size_t bucket = 1; bucket + 1 < LatencyHistogram::buckets; ++bucket) {
    const microseconds bound(LatencyHistogram::bound_us(bucket));
    EXPECT_EQ(LatencyHistogram::bucket_of(bound), bucket);
    EXPECT_EQ(LatencyHistogram::bucket_of(bound + nanoseconds(1)), bucket + 1);
  }
  EXPECT_EQ(LatencyHistogram::bucket_of(nanoseconds::max()), LatencyHistogram::buckets - 1);
}

TEST(LatencyHistogram, AQuantileLiesInItsBucket) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile_us(0.5), 0);
  histogram.add(microseconds(3), 98);
  histogram.add(microseconds(1000), 2);
  EXPECT_GT(histogram.quantile_us(0.5), 2);
  EXPECT_LE(histogram.quantile_us(0.5), 4);
  EXPECT_GT(histogram.quantile_us(0.99), 512);
  EXPECT_LE(histogram.quantile_us(0.99), 1024);
  EXPECT_LE(histogram.quantile_us(0), histogram.quantile_us(0.5));
  EXPECT_EQ(histogram.quantile_us(1), 1024);
}

TEST(LatencyHistogram, WhatTookTooLongForAnyBucketIsInTheLast) {
  LatencyHistogram histogram;
  histogram.add(seconds(100'000));
  EXPECT_EQ(histogram.counts.back(), 1U);
  EXPECT_GE(histogram.quantile_us(0.5), 67'000'000);
}

TEST(Traffic, RequestsAreCountedByTheFirstDigitOfTheirStatus) {
  Traffic traffic;
  for (const int status : {200, 206, 304, 404, 503, 599}) traffic.count(status, 10, 100);
  for (const int status : {0, 99, 600, -1}) traffic.count(status, 0, 0);
  EXPECT_EQ(traffic.requests, (std::array<std::uint64_t, 6>{4, 0, 2, 1, 1, 2}));
  EXPECT_EQ(traffic.all_requests(), 10U);
  EXPECT_EQ(traffic.bytes_in, 60U);
  EXPECT_EQ(traffic.bytes_out, 600U);
}

TEST(Traffic, OfTwoIsTheSumOfEverything) {
  Traffic one;
  one.count(200, 1, 2);
  one.latency.add(microseconds(5));
  Traffic other;
  other.count(200, 10, 20);
  other.count(404, 100, 200);
  other.latency.add(microseconds(5), 3);
  one += other;
  EXPECT_EQ(one.requests, (std::array<std::uint64_t, 6>{0, 0, 2, 0, 1, 0}));
  EXPECT_EQ(one.bytes_in, 111U);
  EXPECT_EQ(one.bytes_out, 222U);
  EXPECT_EQ(one.latency.counts[3], 4U);
  EXPECT_EQ(one.latency.all(), 4U);
  EXPECT_EQ(one.latency.total_us, 20U);
}

}  // namespace
}  // namespace perchild::test::traffic_test
