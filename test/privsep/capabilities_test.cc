#include "privsep/capabilities.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "test/support/in_child.h"

namespace perchild::test::capabilities_test {
namespace {

constexpr CapabilityMask chroot_only = CapabilityMask{1} << CAP_SYS_CHROOT;

bool holds_exactly(CapabilityMask mask) {
  const auto held = read_capabilities();
  return held && *held == CapabilitySets{mask, mask, mask};
}
bool bounding_set_has(int number) {
  return ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1;
}
bool ambient_set_has(int number) {
  return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) == 1;
}

TEST(Capabilities, RootStartsWithThemAndCanDoWhatTheyAllow) {
  const auto held = read_capabilities();
  ASSERT_TRUE(held);
  EXPECT_NE(held->effective & chroot_only, 0u);
  EXPECT_EQ(in_child([] { return ::chroot("/") == 0 ? 0 : 1; }).status, 0);
}

TEST(Capabilities, ThoseKeptAreInAllFourSetsAndTheOthersInNone) {
  const ChildEnd end = in_child([] {
    if (!keep_only_capabilities(chroot_only)) return 1;
    if (!holds_exactly(chroot_only)) return 2;
    if (!ambient_set_has(CAP_SYS_CHROOT) || ambient_set_has(CAP_KILL)) return 3;
    if (::chroot("/") != 0) return 4;
    return ::sethostname("", 0) == 0 ? 5 : 0;
  });
  EXPECT_TRUE(end.exited);
  EXPECT_EQ(end.status, 0);
}

TEST(Capabilities, WithoutAnyNothingThatNeedsThemWorksNorComesBack) {
  const ChildEnd end = in_child([] {
    if (!keep_only_capabilities(chroot_only) || !keep_only_capabilities(0)) return 1;
    if (!holds_exactly(0) || ambient_set_has(CAP_SYS_CHROOT)) return 2;
    if (::chroot("/") == 0) return 3;
    return keep_only_capabilities(chroot_only) ? 4 : 0;
  });
  EXPECT_EQ(end.status, 0);
}

TEST(Capabilities, TheBoundingSetKeepsWhatIsKeptAndLosesTheRestForGood) {
  const ChildEnd end = in_child([] {
    if (!bounding_set_has(CAP_KILL) || !bounding_set_has(CAP_SYS_CHROOT)) return 1;
    if (!restrict_bounding_set(chroot_only)) return 2;
    for (int number = 0; number <= CAP_LAST_CAP; ++number) {
      if (bounding_set_has(number) != (number == CAP_SYS_CHROOT)) return 3;
    }
    return 0;
  });
  EXPECT_EQ(end.status, 0);
}

TEST(Capabilities, TheBoundingSetIsAnErrorWithoutTheRightToChangeIt) {
  const ChildEnd end = in_child([] {
    if (!keep_only_capabilities(chroot_only)) return 1;
    return restrict_bounding_set(0) ? 2 : 0;
  });
  EXPECT_EQ(end.status, 0);
}

}  // namespace
}  // namespace perchild::test::capabilities_test
