#include "vhosts/http2/closed_streams.h"

#include <gtest/gtest.h>

namespace perchild::http2::closed_streams_test {
namespace {

TEST(ClosedStreams, AreRememberedForAWhile) {
  ClosedStreams closed;
  closed.remember(1, ClosedBy::client);
  closed.remember(3, ClosedBy::server);
  EXPECT_EQ(closed.who_closed(1), ClosedBy::client);
  EXPECT_EQ(closed.who_closed(3), ClosedBy::server);
  EXPECT_EQ(closed.who_closed(5), ClosedBy::unknown);
  for (int id = 5; id < 2005; id += 2) closed.remember(id, ClosedBy::server);
  EXPECT_EQ(closed.who_closed(1), ClosedBy::unknown);
  EXPECT_EQ(closed.who_closed(2003), ClosedBy::server);
  EXPECT_EQ(closed.who_closed(2003 - 400), ClosedBy::server);
}

}  // namespace
}  // namespace perchild::http2::closed_streams_test
