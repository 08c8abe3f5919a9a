#include "vhosts/http2/nuisance.h"

#include <gtest/gtest.h>

namespace perchild::http2::nuisance_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const NuisanceBudget::Time start{seconds(1000)};

constexpr Nuisance kinds[] = {Nuisance::reset,        Nuisance::ping,    Nuisance::settings,
                              Nuisance::priority,     Nuisance::unknown, Nuisance::empty_data,
                              Nuisance::window_update};

int how_many(NuisanceBudget& budget, Nuisance what, NuisanceBudget::Time now, int most = 10'000) {
  int count = 0;
  while (count < most && budget.spend(what, now)) ++count;
  return count;
}

TEST(NuisanceBudget, EachKindHasItsOwn) {
  NuisanceBudget budget;
  for (const Nuisance what : kinds) {
    const int count = how_many(budget, what, start);
    EXPECT_GE(count, 20) << text_of(what);
    EXPECT_LE(count, 1000) << text_of(what);
    EXPECT_FALSE(budget.spend(what, start));
  }
}

TEST(NuisanceBudget, FillsWithTimeUpToItsBound) {
  for (const Nuisance what : kinds) {
    NuisanceBudget budget;
    const int at_once = how_many(budget, what, start);
    EXPECT_FALSE(budget.spend(what, start + milliseconds(1)));
    EXPECT_TRUE(budget.spend(what, start + seconds(2)));
    EXPECT_EQ(how_many(budget, what, start + seconds(10'000)), at_once);
  }
}

TEST(NuisanceBudget, WhatIsSentMayBeAcknowledged) {
  NuisanceBudget budget;
  how_many(budget, Nuisance::window_update, start);
  budget.on_data_sent(1);
  EXPECT_EQ(how_many(budget, Nuisance::window_update, start), 2);
  budget.on_data_sent(16 * 1024);
  EXPECT_EQ(how_many(budget, Nuisance::window_update, start), 18);
}

}  // namespace
}  // namespace perchild::http2::nuisance_test
