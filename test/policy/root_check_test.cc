// Whether sites can enter their roots: asked of the kernel, with the sites' ids.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "daemon/command/check/system_view.h"
#include "test/policy/temporary_folder.h"
#include "test/support/processor_time.h"

namespace perchild::test::root_check_test {
namespace {

constexpr Uid alice{20001};
constexpr Gid alices{20001};
constexpr Gid friends{20050};

using Kind = RootAnswer::Kind;

// Only root can ask for others; to anybody else the answer to what is there is "unchecked".
Kind if_root(Kind kind) {
  return ::geteuid() == 0 ? kind : Kind::unchecked;
}

class RootCheck : public testing::Test {
 protected:
  RootCheck() { EXPECT_EQ(::chmod(folder_.path().c_str(), 0755), 0); }

  std::string make(std::string_view name, Uid owner, Gid group, ::mode_t mode) {
    const std::string path = folder_.make_folder(name, mode);
    if (::geteuid() == 0) {
      EXPECT_EQ(::chown(path.c_str(), owner.value, group.value), 0);
    }
    return path;
  }
  RootAnswer try_root(const std::string& path, std::vector<Gid> groups = {}) {
    return view_.try_root(alice, alices, groups, path);
  }

  TemporaryFolder folder_;
  MachineView view_;
};

TEST_F(RootCheck, TheOwnerCanEnterAClosedFolder) {
  EXPECT_EQ(try_root(make("own", alice, alices, 0700)).kind, if_root(Kind::enterable));
}

TEST_F(RootCheck, TheDeviceOfAClosedFolderIsTold) {
  struct ::stat here {};
  ASSERT_EQ(::stat(folder_.path().c_str(), &here), 0);
  EXPECT_EQ(try_root(make("own", alice, alices, 0700)).device, here.st_dev);
  struct ::stat elsewhere {};
  ASSERT_EQ(::stat("/proc", &elsewhere), 0);
  EXPECT_EQ(try_root("/proc").device, elsewhere.st_dev);
}

TEST_F(RootCheck, AnotherCannot) {
  const std::string path = make("other", Uid{20002}, Gid{20002}, 0700);
  const RootAnswer answer = try_root(path);
  EXPECT_EQ(answer.kind, if_root(Kind::denied));
  if (::geteuid() == 0) {
    EXPECT_EQ(answer.where, path);
  }
}

TEST_F(RootCheck, AFolderThatMayBeReadButNotSearchedCannotBeEntered) {
  EXPECT_EQ(try_root(make("listed", Uid{20002}, Gid{20002}, 0744)).kind, if_root(Kind::denied));
}

TEST_F(RootCheck, TheClosedFolderOnTheWayIsNamed) {
  const std::string closed = make("closed", Uid{20002}, Gid{20002}, 0700);
  make("closed/a", alice, alices, 0755);
  const std::string root = make("closed/a/www", alice, alices, 0755);
  const RootAnswer answer = try_root(root);
  EXPECT_EQ(answer.kind, if_root(Kind::denied));
  if (::geteuid() == 0) {
    EXPECT_EQ(answer.where, closed);
  }
}

TEST_F(RootCheck, ASupplementaryGroupOpensAndItsAbsenceCloses) {
  const std::string path = make("shared", Uid{20002}, friends, 0750);
  EXPECT_EQ(try_root(path, {friends}).kind, if_root(Kind::enterable));
  EXPECT_EQ(try_root(path).kind, if_root(Kind::denied));
}

TEST_F(RootCheck, OurOwnGroupsAreNotTakenAlong) {
  // Group 0 is root's.
  EXPECT_EQ(try_root(make("roots", Uid{0}, Gid{0}, 0770)).kind, if_root(Kind::denied));
}

TEST_F(RootCheck, WhatIsNoFolderIsToldByEverybody) {
  EXPECT_EQ(try_root(folder_.path("none")).kind, Kind::missing);
  EXPECT_EQ(try_root(folder_.write("file", "")).kind, Kind::not_a_directory);
  EXPECT_EQ(try_root(folder_.path("file/below")).kind, Kind::not_a_directory);
  ASSERT_EQ(::symlink("loop", folder_.path("loop").c_str()), 0);
  const RootAnswer answer = try_root(folder_.path("loop"));
  EXPECT_EQ(answer.kind, Kind::failed);
  EXPECT_EQ(answer.error, ELOOP);
}

TEST_F(RootCheck, AfterwardsWeAreWhoWeWere) {
  const auto identity = [] {
    std::vector<::gid_t> ids(64);
    const int count = ::getgroups(static_cast<int>(ids.size()), ids.data());
    ids.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    ::uid_t uid[3] = {};
    ::gid_t gid[3] = {};
    EXPECT_EQ(::getresuid(&uid[0], &uid[1], &uid[2]), 0);
    EXPECT_EQ(::getresgid(&gid[0], &gid[1], &gid[2]), 0);
    ids.insert(ids.end(), std::begin(uid), std::end(uid));
    ids.insert(ids.end(), std::begin(gid), std::end(gid));
    ids.push_back(static_cast<::gid_t>(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)));
    return ids;
  };
  const auto before = identity();
  try_root(make("own", alice, alices, 0700), {friends});
  try_root(make("other", Uid{20002}, Gid{20002}, 0700), {friends});
  EXPECT_EQ(identity(), before);
  EXPECT_EQ(::access(folder_.path("other").c_str(), R_OK | W_OK | X_OK), 0);
}

TEST_F(RootCheck, TenThousandSitesAreAskedForInWellUnderASecond) {
  const std::string path = make("own", alice, alices, 0700);
  const auto begin = processor_time();
  for (int i = 0; i < 10'000; ++i) try_root(path, {friends});
  EXPECT_LT(processor_time() - begin, std::chrono::seconds(2)) << "with sanitizers";
}

}  // namespace
}  // namespace perchild::test::root_check_test
