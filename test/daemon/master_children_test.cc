// What the master decides by the clock alone.
#include <gtest/gtest.h>

#include "daemon/master/children.h"

namespace perchild::test::master_children_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Clock::time_point start{seconds(1000)};

TEST(BackOff, GrowsWithEachFailureUpToItsBound) {
  BackOff back_off;
  const int expected[] = {0, 250, 500, 1000, 2000, 4000, 8000, 16'000, 30'000, 30'000};
  for (const int delay : expected) {
    back_off.on_death(start, seconds(1));
    EXPECT_EQ(back_off.delay(), milliseconds(delay));
    EXPECT_EQ(back_off.next_start(), start + milliseconds(delay));
  }
}

TEST(BackOff, StartsAnewForWhoeverHasLivedForAWhile) {
  BackOff back_off;
  for (int i = 0; i < 5; ++i) back_off.on_death(start, seconds(1));
  back_off.on_death(start, seconds(61));
  EXPECT_EQ(back_off.failures(), 1u);
  EXPECT_EQ(back_off.delay(), milliseconds(0));
}

TEST(BackOff, IsForgottenAMinuteAfterItsEnd) {
  BackOff back_off;
  EXPECT_TRUE(back_off.forgotten(start));
  back_off.on_death(start, seconds(1));
  EXPECT_FALSE(back_off.forgotten(start + seconds(59)));
  EXPECT_TRUE(back_off.forgotten(start + seconds(60)));
}

TEST(StartBudget, AllowsASecondsWorthAtOnceAndNoMore) {
  StartBudget budget(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(start));
  EXPECT_FALSE(budget.take(start));
  EXPECT_FALSE(budget.take(start + milliseconds(300)));
  EXPECT_TRUE(budget.take(start + milliseconds(340)));
  EXPECT_FALSE(budget.take(start + milliseconds(340)));
}

TEST(StartBudget, SaysWhenThereIsOneAgain) {
  StartBudget budget(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(budget.take(start));
  ASSERT_FALSE(budget.take(start));
  EXPECT_GT(budget.next(), start);
  EXPECT_TRUE(budget.take(budget.next()));
}

TEST(StartBudget, IsNotSavedUp) {
  StartBudget budget(2);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(budget.take(start));
  const auto later = start + std::chrono::hours(1);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(budget.take(later));
  EXPECT_FALSE(budget.take(later));
}

// What a router says of many crowded sites, four times a second each, for as long as it likes.
TEST(QueueNotices, AllowWhatARouterHasToSayHoweverLateItIsHeard) {
  constexpr std::size_t sites = 1000;
  QueueNotices notices;
  auto now = start;
  for (int second = 0; second < 60; ++second) {
    // Heard all at once, after a second without a look.
    now += seconds(1);
    for (std::size_t i = 0; i < 4 * sites; ++i) ASSERT_TRUE(notices.take(now, sites));
  }
}

TEST(QueueNotices, AreNotAllowedAtAnyRate) {
  QueueNotices notices;
  std::size_t taken = 0;
  while (taken < 100'000 && notices.take(start, 2)) ++taken;
  EXPECT_LT(taken, 2000u);
  std::size_t later = 0;
  for (int i = 0; i < 1000; ++i) {
    if (notices.take(start + milliseconds(i), 2)) ++later;
  }
  EXPECT_LT(later, 100u);
  EXPECT_GT(later, 8u);
}

}  // namespace
}  // namespace perchild::test::master_children_test
