#include "vhosts/access/rate_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "vhosts/access/visitor_memory.h"

namespace perchild::access::rate_table_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RateTable::Time start{seconds(1000)};
constexpr RateSettings ten_a_second{.count = 10, .per = seconds(1), .burst = 3};

TEST(RateTable, ABucketHoldsABurstAndFillsAtItsRate) {
  RateTable table(ten_a_second);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(table.take(1, start).count(), 0) << i;
  EXPECT_EQ(table.take(1, start), milliseconds(100));
  EXPECT_EQ(table.take(1, start + milliseconds(99)), milliseconds(1));
  EXPECT_EQ(table.take(1, start + milliseconds(100)).count(), 0);
  EXPECT_GT(table.take(1, start + milliseconds(100)).count(), 0);
}

TEST(RateTable, WhoWaitsLongHasABurstAgainAndNoMore) {
  RateTable table(ten_a_second);
  for (int i = 0; i < 3; ++i) static_cast<void>(table.take(1, start));
  const auto later = start + seconds(3600);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(table.take(1, later).count(), 0) << i;
  EXPECT_GT(table.take(1, later).count(), 0);
}

TEST(RateTable, OneDoesNotTakeFromAnother) {
  RateTable table(ten_a_second);
  for (int i = 0; i < 9; ++i) static_cast<void>(table.take(1, start));
  EXPECT_EQ(table.take(2, start).count(), 0);
  EXPECT_EQ(table.take(1 + RateTable::sets, start).count(), 0);
}

TEST(RateTable, ToAskIsNotToTake) {
  RateTable table({.count = 1, .per = seconds(1), .burst = 1});
  for (int i = 0; i < 9; ++i) EXPECT_EQ(table.wait_of(1, start).count(), 0);
  EXPECT_EQ(table.take(1, start).count(), 0);
  EXPECT_EQ(table.wait_of(1, start), seconds(1));
}

TEST(RateTable, WhatOneLetsPassCountsForAllWhoShareIt) {
  const auto shared = std::make_unique<RateTable::Buckets>();
  RateTable one(ten_a_second, shared.get()), other(ten_a_second, shared.get()), alone(ten_a_second);
  EXPECT_EQ(one.take(1, start).count(), 0);
  EXPECT_EQ(other.take(1, start).count(), 0);
  EXPECT_EQ(one.take(1, start).count(), 0);
  EXPECT_EQ(other.take(1, start), milliseconds(100));
  EXPECT_EQ(alone.take(1, start).count(), 0);
}

TEST(RateTable, ABucketIsBelievedToBeEmptyAndNoMore) {
  const auto shared = std::make_unique<RateTable::Buckets>();
  RateTable table(ten_a_second, shared.get());
  EXPECT_EQ(table.take(1, start).count(), 0);
  for (RateTable::Bucket& bucket : *shared) {
    bucket.full_at = std::numeric_limits<RateTable::Time::rep>::max();
  }
  EXPECT_EQ(table.take(1, start), milliseconds(100));
  EXPECT_EQ(table.take(2, start).count(), 0) << "in the place of another";
  for (RateTable::Bucket& bucket : *shared) {
    bucket.full_at = std::numeric_limits<RateTable::Time::rep>::min();
  }
  EXPECT_EQ(table.take(1, start).count(), 0);
}

// Not lost, nor counted twice: of a burst as large as all that they try nothing is refused, and
// then everything is.
TEST(RateTable, WhatManyTakeAtOnceIsCounted) {
  constexpr int takers = 4, each = 5000;
  const auto shared = std::make_unique<RateTable::Buckets>();
  const RateSettings rate{.count = 1, .per = seconds(1), .burst = takers * each};
  RateTable before(rate, shared.get());
  EXPECT_EQ(before.take(1, start).count(), 0);
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < takers; ++i) {
    threads.emplace_back([&] {
      RateTable table(rate, shared.get());
      for (int n = 0; n < each; ++n) refused += table.take(1, start).count() != 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 1) << "one had been taken before";
}

TEST(VisitorMemory, AllHashByTheKeyOfWhoCameFirst) {
  const auto memory = std::make_unique<VisitorMemory>();
  const HashKey first = memory->agree_on_key({6, 8});
  EXPECT_EQ(first, (HashKey{7, 9}));
  EXPECT_EQ(memory->agree_on_key({12, 14}), first);
}

TEST(RateTable, FullOfStrangersItForgetsTheOneWhoIsFullSoonest) {
  RateTable table({.count = 1, .per = seconds(10), .burst = 5});
  for (std::uint64_t i = 0; i < RateTable::ways; ++i) {
    const std::uint64_t takes = i == 2 ? 1 : 5;
    for (std::uint64_t n = 0; n < takes; ++n) {
      EXPECT_EQ(table.take(7 + i * RateTable::sets, start).count(), 0);
    }
  }
  EXPECT_EQ(table.take(7 + RateTable::ways * RateTable::sets, start).count(), 0);
  for (std::uint64_t i = 0; i < RateTable::ways; ++i) {
    EXPECT_EQ(table.wait_of(7 + i * RateTable::sets, start).count() == 0, i == 2) << i;
  }
}

}  // namespace
}  // namespace perchild::access::rate_table_test
