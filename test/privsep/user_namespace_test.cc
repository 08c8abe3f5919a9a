#include "privsep/user_namespace.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

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
             return enter_user_namespace(map, map, Uid{master_uid}) ? 0 : 1;
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
      EXPECT_EQ(in_child([&] {
                  return enter_user_namespace(longer, longer, Uid{master_uid}) ? 0 : 1;
                }).status,
                longer.fits() ? 0 : 1)
          << longer.text().size() << " bytes";
    }
  }
}

// Signals that wait for root's processes, by the kernel's count.
int waiting_for_root() {
  const std::string status = read_file("/proc/self/status");
  return std::atoi(status.c_str() + status.find("SigQ:") + 5);
}

TEST(UserNamespace, WhatItsUsersTakeIsCountedAsItsOwnersAndNotAsRoots) {
  constexpr int many = 2000;
  const auto seen_of = [&](Uid owner) {
    int ends[2];
    if (::pipe(ends) != 0) return -1;
    const UniqueFd from(ends[0]);
    UniqueFd to(ends[1]);
    const ::pid_t tenant = ::fork();
    if (tenant == 0) {
      ::sigset_t blocked;
      ::sigemptyset(&blocked);
      ::sigaddset(&blocked, SIGRTMIN);
      ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
      bool done = enter_user_namespace(service_ids(), service_ids(), owner).has_value() &&
                  ::setresuid(uid_a, uid_a, uid_a) == 0;
      for (int i = 0; done && i < many; ++i) done = ::sigqueue(::getpid(), SIGRTMIN, {}) == 0;
      if (done && ::write(to.get(), "", 1) == 1) {
        for (;;) ::pause();
      }
      ::_exit(1);
    }
    to.reset();
    char byte;
    const bool queued = ::read(from.get(), &byte, 1) == 1;
    const int seen = waiting_for_root();
    ::kill(tenant, SIGKILL);
    ::waitpid(tenant, nullptr, 0);
    return queued ? seen : -1;
  };
  EXPECT_GE(seen_of(Uid{0}), many);
  const int others = seen_of(Uid{master_uid});
  EXPECT_GE(others, 0);
  EXPECT_LT(others, many);
}

TEST(UserNamespace, NobodyButRootCanMapOthersIds) {
  EXPECT_EQ(in_child_as(uid_a, uid_a, [] { return enter_service_namespace() ? 1 : 0; }).status, 0);
}

}  // namespace
}  // namespace perchild::test::user_namespace_test
