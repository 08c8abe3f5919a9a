#include "vhosts/deadline_list.h"

#include <gtest/gtest.h>

#include <optional>

namespace perchild::test::deadline_list_test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Thing {
  DeadlineLink<Thing> link{*this};
};

const Clock::time_point start{std::chrono::seconds(1000)};

TEST(DeadlineList, ExpiresInTheOrderOfSettingAndNotBefore) {
  DeadlineList<Thing> list(milliseconds(100));
  Thing a;
  Thing b;
  list.set(a.link, start);
  list.set(b.link, start + milliseconds(10));
  EXPECT_EQ(list.oldest(), &a);
  EXPECT_EQ(list.next_deadline(), start + milliseconds(100));
  EXPECT_EQ(list.expired(start + milliseconds(100) - microseconds(1)), nullptr);
  EXPECT_EQ(list.expired(start + milliseconds(100)), &a);
  a.link.unlink();
  EXPECT_EQ(list.expired(start + milliseconds(100)), nullptr);
  EXPECT_EQ(list.expired(start + milliseconds(110)), &b);
}

TEST(DeadlineList, SettingAgainMovesToTheEnd) {
  DeadlineList<Thing> list(milliseconds(100));
  Thing a;
  Thing b;
  list.set(a.link, start);
  list.set(b.link, start);
  list.set(a.link, start + milliseconds(50));
  EXPECT_EQ(list.oldest(), &b);
  b.link.unlink();
  EXPECT_EQ(list.next_deadline(), start + milliseconds(150));
}

TEST(DeadlineList, AnElementLeavesOneListForAnother) {
  DeadlineList<Thing> one(milliseconds(1));
  DeadlineList<Thing> other(milliseconds(2));
  Thing a;
  one.set(a.link, start);
  other.set(a.link, start);
  EXPECT_TRUE(one.empty());
  EXPECT_EQ(other.oldest(), &a);
}

TEST(DeadlineList, AnElementThatGoesLeavesItsList) {
  DeadlineList<Thing> list(milliseconds(1));
  Thing a;
  list.set(a.link, start);
  {
    Thing b;
    list.set(b.link, start);
    a.link.unlink();
    EXPECT_EQ(list.oldest(), &b);
  }
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.oldest(), nullptr);
  EXPECT_EQ(list.expired(start + milliseconds(100)), nullptr);
  EXPECT_EQ(list.next_deadline(), std::nullopt);
}

TEST(DeadlineList, UnlinkingTwiceIsHarmless) {
  DeadlineList<Thing> list(milliseconds(1));
  Thing a;
  EXPECT_FALSE(a.link.linked());
  list.set(a.link, start);
  EXPECT_TRUE(a.link.linked());
  a.link.unlink();
  a.link.unlink();
  EXPECT_TRUE(list.empty());
}

TEST(MillisecondsUntilFirst, RoundsUpSoThatNobodyWakesTooEarly) {
  using Deadline = std::optional<Clock::time_point>;
  const Deadline none;
  EXPECT_EQ(milliseconds_until_first(start, none, none), -1);
  EXPECT_EQ(milliseconds_until_first(start, Deadline(start - milliseconds(5)), none), 0);
  EXPECT_EQ(milliseconds_until_first(start, Deadline(start)), 0);
  EXPECT_EQ(milliseconds_until_first(start, Deadline(start + microseconds(1))), 1);
  EXPECT_EQ(milliseconds_until_first(start, none, Deadline(start + milliseconds(7)),
                                     Deadline(start + milliseconds(3)), none),
            3);
}

}  // namespace
}  // namespace perchild::test::deadline_list_test
