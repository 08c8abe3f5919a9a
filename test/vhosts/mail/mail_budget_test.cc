#include "vhosts/mail/mail_budget.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace perchild::mail::test::mail_budget_test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr RateSettings five_an_hour{.count = 5, .per = hours(1), .burst = 5};

TEST(MailBudget, IsForAllRecipientsOrNone) {
  MailBudget budget(five_an_hour);
  EXPECT_TRUE(budget.take(seconds(7200), 3));
  EXPECT_FALSE(budget.take(seconds(7300), 3));
  EXPECT_TRUE(budget.take(seconds(7300), 2));
  EXPECT_FALSE(budget.take(seconds(7300), 1));
  EXPECT_FALSE(budget.take(seconds(7300), ~0U));
}

// By the clock, 10,800 s begins another hour.
TEST(MailBudget, IsNotNewAtAnEdgeOfTheClock) {
  MailBudget budget(five_an_hour);
  EXPECT_TRUE(budget.take(seconds(10'799), 5));
  EXPECT_FALSE(budget.take(seconds(10'801), 1));
  EXPECT_FALSE(budget.take(seconds(10'799) + hours(1), 1));
  EXPECT_TRUE(budget.take(seconds(10'799) + hours(1) + minutes(1), 5));
}

TEST(MailBudget, IsUsedAgainByAndBy) {
  MailBudget budget(five_an_hour);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(budget.take(minutes(120 + 10 * i), 1));
  EXPECT_FALSE(budget.take(minutes(179), 1));
  EXPECT_TRUE(budget.take(minutes(181), 1));
  EXPECT_FALSE(budget.take(minutes(181), 1));
}

TEST(MailBudget, CountsWhatOthersHaveTaken) {
  MailBudget budget(five_an_hour);
  budget.add(minutes(120), 3);
  budget.add(minutes(121), 1);
  EXPECT_FALSE(budget.take(minutes(122), 2));
  EXPECT_TRUE(budget.take(minutes(122), 1));
  EXPECT_TRUE(budget.take(minutes(181), 3));
  EXPECT_FALSE(budget.take(minutes(181), 1));
}

TEST(MailBudget, WhatIsLongAgoDoesNotCount) {
  MailBudget budget(five_an_hour);
  budget.add(minutes(10), 5);
  EXPECT_TRUE(budget.take(minutes(120), 5));
}

TEST(MailBudget, IsNeverMoreInAnyPeriodAndIsAllUsedInALongOne) {
  for (const milliseconds per :
       {milliseconds(1000), milliseconds(60'000), milliseconds(3'600'000)}) {
    std::mt19937 random(7);
    MailBudget budget({.count = 100, .per = per, .burst = 100});
    std::vector<std::pair<milliseconds, std::uint32_t>> sent;
    milliseconds now{1'000'000'007};
    const milliseconds begin = now;
    std::uint64_t in_all = 0;
    while (now < begin + 20 * per) {
      now += milliseconds(random() % static_cast<unsigned>(per.count() / 200) + 1);
      const auto recipients = static_cast<std::uint32_t>(random() % 5 + 1);
      if (budget.take(now, recipients)) {
        sent.emplace_back(now, recipients);
        in_all += recipients;
      }
    }
    for (std::size_t first = 0; first < sent.size(); ++first) {
      std::uint64_t within = 0;
      for (std::size_t i = first; i < sent.size() && sent[i].first < sent[first].first + per; ++i) {
        within += sent[i].second;
      }
      ASSERT_LE(within, 100U);
    }
    EXPECT_GE(in_all, 20U * 100U * 9 / 10);
  }
}

}  // namespace
}  // namespace perchild::mail::test::mail_budget_test
