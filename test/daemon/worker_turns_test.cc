// Who goes on in which turn of the worker's loop.
#include <gtest/gtest.h>

#include "daemon/worker/turns.h"

namespace perchild::test::worker_turns_test {
namespace {

using Sessions = std::vector<Turns::Session>;

TEST(Turns, AllShortOnesGoOnTogether) {
  Turns turns;
  for (const Turns::Session session : {3u, 1u, 2u}) turns.add_short(session);
  EXPECT_EQ(turns.take_short(), (Sessions{3, 1, 2}));
  EXPECT_TRUE(turns.empty());
}

TEST(Turns, OneLongOneGoesOnAtATime) {
  Turns turns;
  turns.add_long(1);
  turns.add_long(2);
  EXPECT_EQ(turns.take_long(), 1u);
  EXPECT_FALSE(turns.empty());
  EXPECT_EQ(turns.take_long(), 2u);
  EXPECT_EQ(turns.take_long(), std::nullopt);
}

TEST(Turns, ALongOneKeepsItsTurnForAWhileAndThenTheNextOneHasIt) {
  Turns turns;
  for (const Turns::Session session : {1u, 2u, 3u}) turns.add_long(session);
  for (const Turns::Session expected : {1u, 2u, 3u, 1u}) {
    for (int i = 0; i < Turns::most_in_a_row; ++i) {
      ASSERT_EQ(turns.take_long(), expected) << i;
      turns.add_long(expected);
    }
  }
}

TEST(Turns, WhoComesBackAfterAPauseStandsInLine) {
  Turns turns;
  turns.add_long(1);
  turns.add_long(2);
  EXPECT_EQ(turns.take_long(), 1u);
  EXPECT_EQ(turns.take_long(), 2u);  // the first one waits for its client meanwhile
  turns.add_long(3);
  turns.add_long(1);
  EXPECT_EQ(turns.take_long(), 3u);
  EXPECT_EQ(turns.take_long(), 1u);
}

}  // namespace
}  // namespace perchild::test::worker_turns_test
