// A lock-down that cannot do what it should says so, and by its proof where all steps "worked".
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privsep/lock_down.h"
#include "privsep/syscall_filter.h"
#include "test/privsep/service_namespace.h"
#include "test/support/in_child.h"

namespace perchild::test::lock_down_refusals_test {
namespace {

// Locks itself down in a child after `prepare`; exits 0 if that succeeded, 1 if it was refused for
// something that the error text says by `expected`, 2 for another reason.
int refused(Role role, const LockDownPlan& plan, const std::function<bool()>& prepare,
            std::string_view expected) {
  return in_child([&] {
           if (!prepare()) return 255;
           const auto locked = lock_down_as(role, plan);
           if (locked) return 0;
           return locked.error().text().find(expected) != std::string::npos ? 1 : 2;
         })
      .status;
}

class LockDownRefusal : public ::testing::Test {
 protected:
  LockDownPlan worker_plan() const {
    return {.filter = filter_, .new_root = folder_.fd(), .root_is_readable = true};
  }
  static bool as_worker() { return stand_where_exec_ends(Role::worker, tenant()); }

  const std::string filter_ = permit_everything();
  const TenantFolder folder_;
};

TEST_F(LockDownRefusal, ThereIsNoneForWhoStandsWhereExecEnds) {
  EXPECT_EQ(refused(Role::worker, worker_plan(), as_worker, ""), 0);
}

TEST_F(LockDownRefusal, WhoIsStillRootOfTheMachineIsDisproved) {
  EXPECT_EQ(refused(
                Role::worker, worker_plan(), [] { return true; }, "cannot become root"),
            1);
}

TEST_F(LockDownRefusal, AMasterOutsideOfAUserNamespaceIsDisproved) {
  const auto outside = [] {
    return drop_to_identity(Role::master, {Uid{master_uid}, Gid{master_uid}, {}}).has_value();
  };
  EXPECT_EQ(refused(Role::master, {.filter = filter_}, outside, "cannot become root"), 1);
}

TEST_F(LockDownRefusal, AMasterWhoseNamespaceMapsGroup0IsDisproved) {
  const auto with_group_0 = [] {
    IdMap gids = service_ids();
    gids.add(0);
    return enter_user_namespace(service_ids(), gids, Uid{master_uid}).has_value() &&
           drop_to_identity(Role::master, {Uid{master_uid}, Gid{master_uid}, {}}).has_value();
  };
  EXPECT_EQ(refused(Role::master, {.filter = filter_}, with_group_0, "group 0"), 1);
  const auto without = [] {
    return stand_where_exec_ends(Role::master, {Uid{master_uid}, Gid{master_uid}, {}});
  };
  EXPECT_EQ(refused(Role::master, {.filter = filter_}, without, ""), 0);
}

TEST_F(LockDownRefusal, ARoleWithoutTheRootThatItNeedsIsRefused) {
  EXPECT_EQ(refused(Role::worker, {.filter = filter_}, as_worker, "without the root"), 1);
  EXPECT_EQ(refused(Role::router, {.filter = filter_}, as_worker, "without the root"), 1);
}

TEST_F(LockDownRefusal, ARootThatIsNoDirectoryIsRefused) {
  const UniqueFd file(::open((folder_.path() + "/index.html").c_str(), O_PATH | O_CLOEXEC));
  LockDownPlan plan = worker_plan();
  plan.new_root = file.borrow();
  EXPECT_EQ(refused(Role::worker, plan, as_worker, "fchdir"), 1);
}

TEST_F(LockDownRefusal, WithoutTheCapabilityToChangeItsRootItIsRefused) {
  const auto without_chroot = [] {
    return become_master() && drop_to_identity(Role::worker, tenant()).has_value() &&
           ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
           ::syscall(SYS_setresuid, uid_a, uid_a, uid_a) == 0 &&
           ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
  };
  // Clearing the ambient set alone keeps the capability: the control.
  EXPECT_EQ(refused(Role::worker, worker_plan(), without_chroot, ""), 0);
  const auto as_nobody = [] { return ::setresuid(uid_a, uid_a, uid_a) == 0; };
  EXPECT_EQ(refused(Role::worker, worker_plan(), as_nobody, "chroot"), 1);
}

TEST_F(LockDownRefusal, AFilterThatIsNoneIsRefused) {
  LockDownPlan plan = worker_plan();
  plan.filter = {};
  EXPECT_EQ(refused(Role::worker, plan, as_worker, "system-call filter"), 1);
  plan.filter = "12345678";
  EXPECT_EQ(refused(Role::worker, plan, as_worker, "seccomp"), 1);
}

TEST_F(LockDownRefusal, WithTheRealFilterTheFirstForbiddenCallIsTheLast) {
  for (const Role role : {Role::router, Role::worker, Role::checker, Role::keeper}) {
    const auto filter = compile_syscall_filter(role);
    ASSERT_TRUE(filter);
    LockDownPlan plan = worker_plan();
    plan.filter = *filter;
    const auto lock_and = [&](bool then_call) {
      return in_child([&]() -> int {
        if (!stand_where_exec_ends(role, tenant()) || !lock_down_as(role, plan)) ::_exit(1);
        if (then_call) ::syscall(SYS_socket, 2, 1, 0);
        ::_exit(0);
      });
    };
    EXPECT_EQ(lock_and(false).status, 0);
    const ChildEnd end = lock_and(true);
    EXPECT_FALSE(end.exited);
    EXPECT_EQ(end.status, SIGSYS);
  }
}

}  // namespace
}  // namespace perchild::test::lock_down_refusals_test
