#include "privsep/user_namespace.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "test/privsep/service_namespace.h"
#include "test/support/in_child.h"

namespace perchild::test::user_namespace_test {
namespace {

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
}

TEST(UserNamespace, TakesEveryMapThatFitsAndNoOther) {
  // 292 lines of 14 bytes; the first id pads the text, a byte or two a digit, to either side of the
  // bound.
  for (const std::uint32_t first : {1U, 10U, 100U, 1000U, 10'000U}) {
    IdMap map;
    map.add(first);
    for (std::uint32_t i = 0; i < 291; ++i) map.add(20'000 + 2 * i);
    for (const std::uint32_t last : {5'000U, 60'001U, 100'001U}) {
      IdMap longer = map;
      longer.add(last);
      EXPECT_EQ(in_child([&] { return enter_user_namespace(longer, longer) ? 0 : 1; }).status,
                longer.fits() ? 0 : 1)
          << longer.text().size() << " bytes";
    }
  }
}

TEST(UserNamespace, NobodyButRootCanMapOthersIds) {
  EXPECT_EQ(in_child_as(uid_a, uid_a, [] { return enter_service_namespace() ? 1 : 0; }).status, 0);
}

}  // namespace
}  // namespace perchild::test::user_namespace_test
