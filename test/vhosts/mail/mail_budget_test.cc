#include "vhosts/mail/mail_budget.h"

#include <gtest/gtest.h>

namespace perchild::mail::test::mail_budget_test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr RateSettings five_an_hour{.count = 5, .per = hours(1), .burst = 5};

TEST(MailBudget, IsForSoManyInEachPeriod) {
  MailBudget budget(five_an_hour);
  EXPECT_TRUE(budget.take(seconds(7200), 3));
  EXPECT_FALSE(budget.take(seconds(7300), 3));
  EXPECT_TRUE(budget.take(seconds(10'799), 2));
  EXPECT_FALSE(budget.take(seconds(10'799), 1));
  EXPECT_EQ(budget.since(), seconds(7200));
  EXPECT_TRUE(budget.take(seconds(10'800), 5));
  EXPECT_FALSE(budget.take(seconds(10'801), ~0U));
}

TEST(MailBudget, CountsWhatOthersHaveTaken) {
  MailBudget budget(five_an_hour);
  budget.add(seconds(7200), 4);
  EXPECT_FALSE(budget.take(seconds(7201), 2));
  EXPECT_TRUE(budget.take(seconds(7201), 1));
  // Of an earlier period.
  budget.add(seconds(3600), 4);
  EXPECT_TRUE(budget.take(seconds(10'900), 5));
}

}  // namespace
}  // namespace perchild::mail::test::mail_budget_test
