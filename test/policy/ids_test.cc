#include "policy/ids.h"

#include <gtest/gtest.h>

namespace perchild::test::ids_test {
namespace {

TEST(TenantUid, LiesInTheRange) {
  constexpr IdRange range{1000, 1999};
  EXPECT_TRUE(TenantUid::make(Uid{1000}, range));
  EXPECT_TRUE(TenantUid::make(Uid{1999}, range));
  EXPECT_FALSE(TenantUid::make(Uid{999}, range));
  EXPECT_FALSE(TenantUid::make(Uid{2000}, range));
}

TEST(TenantUid, IsNeverRootWhateverTheRange) {
  EXPECT_FALSE(TenantUid::make(Uid{0}, IdRange{0, 59'999}));
}

}  // namespace
}  // namespace perchild::test::ids_test
