#include "policy/id_map.h"

#include <gtest/gtest.h>

namespace perchild::test::id_map_test {
namespace {

TEST(IdMap, IsWrittenSortedWithEachIdMappedToItself) {
  IdMap map;
  map.add({3000, 3999});
  map.add(7);
  EXPECT_EQ(map.text(), "7 7 1\n3000 3000 1000\n");
}

TEST(IdMap, JoinsWhatTouchesOrOverlaps) {
  IdMap map;
  map.add({100, 199});
  map.add(200);
  map.add({150, 180});
  map.add(99);
  map.add(202);
  EXPECT_EQ(map.text(), "99 99 102\n202 202 1\n");
}

TEST(IdMap, JoinsAtTheHighestIdWithoutWrappingAround) {
  IdMap map;
  map.add({0xffff'fffe, 0xffff'ffff});
  map.add(5);
  map.add({10, 0xffff'ffff});
  EXPECT_EQ(map.extents(), (std::vector<IdRange>{{5, 5}, {10, 0xffff'ffff}}));
}

TEST(IdMap, OfNothingIsEmpty) {
  EXPECT_EQ(IdMap().text(), "");
}

TEST(IdMap, FitsUpToTheKernelsCountOfExtents) {
  IdMap map;
  for (std::uint32_t i = 0; i < IdMap::max_extents; ++i) map.add(1000 + 2 * i);
  EXPECT_TRUE(map.fits());
  map.add(1);
  EXPECT_FALSE(map.fits());
}

TEST(IdMap, FitsUpToAPageOfText) {
  IdMap map;
  for (std::uint32_t i = 0; i < 292; ++i) map.add(20'000 + 2 * i);  // 14 bytes each
  ASSERT_EQ(map.text().size(), 4088U);
  IdMap at_the_bound = map;
  at_the_bound.add(10);
  EXPECT_EQ(at_the_bound.text().size(), 4096U);
  EXPECT_FALSE(at_the_bound.fits());
  map.add(5);
  EXPECT_EQ(map.text().size(), 4094U);
  EXPECT_TRUE(map.fits());
}

}  // namespace
}  // namespace perchild::test::id_map_test
