#include "privsep/user_namespace.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "test/privsep/service_namespace.h"
#include "test/support/in_child.h"

namespace perchild::test {
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

TEST(UserNamespace, RootAndDiskCannotBeBecomeInItAndMappedIdsCan) {
  const auto become = [](::uid_t uid, ::gid_t group) {
    if (::setgroups(1, &group) != 0) return errno;
    return ::setresuid(uid, uid, uid) == 0 ? 0 : errno;
  };
  const auto inside = [&](::uid_t uid, ::gid_t group) {
    return in_child([&] { return enter_service_namespace() ? become(uid, group) : 255; }).status;
  };
  EXPECT_EQ(inside(uid_a, uid_a), 0);
  EXPECT_EQ(inside(router_uid, uid_b), 0);
  EXPECT_EQ(inside(0, uid_a), EINVAL);
  EXPECT_EQ(inside(uid_a, 0), EINVAL);
  EXPECT_EQ(inside(uid_a, disk_gid), EINVAL);
  EXPECT_EQ(inside(1000, uid_a), EINVAL);
  EXPECT_EQ(inside(21000, uid_a), EINVAL);
  // The control: in the machine's own namespace each of them is taken.
  for (const ::uid_t uid : {0U, 1000U, 21000U}) {
    EXPECT_EQ(in_child([&] { return become(uid, disk_gid); }).status, 0);
  }
}

TEST(UserNamespace, ItsCapabilitiesReachNothingOfTheMachine) {
  const auto set_name = [] {
    char name[256];
    if (::gethostname(name, sizeof name) != 0) return 254;
    return ::sethostname(name, std::string_view(name).size()) == 0 ? 0 : errno;
  };
  EXPECT_EQ(in_child([&] { return enter_service_namespace() ? set_name() : 255; }).status, EPERM);
  EXPECT_EQ(in_child(set_name).status, 0);
}

TEST(UserNamespace, AMapOfTooManyExtentsIsAnError) {
  const auto enter_with = [](std::uint32_t extents, std::uint32_t first) {
    return in_child([&] {
             IdMap map;
             for (std::uint32_t i = 0; i < extents; ++i) map.add(first + 2 * i);
             return enter_user_namespace(map, map) ? 0 : 1;
           })
        .status;
  };
  EXPECT_EQ(enter_with(IdMap::max_extents, 1000), 0);
  EXPECT_EQ(enter_with(IdMap::max_extents + 1, 1000), 1);
  // The kernel takes less than a page of text, which longer numbers fill before.
  EXPECT_EQ(enter_with(290, 20000), 0);
  EXPECT_EQ(enter_with(300, 20000), 1);
}

TEST(UserNamespace, NobodyButRootCanMapOthersIds) {
  EXPECT_EQ(in_child_as(uid_a, uid_a, [] { return enter_service_namespace() ? 1 : 0; }).status, 0);
}

}  // namespace
}  // namespace perchild::test
