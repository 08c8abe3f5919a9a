#include "vhosts/access/rate_table.h"

#include <gtest/gtest.h>

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
