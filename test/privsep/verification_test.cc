// What the master sees of a child from outside: whole lock-downs pass, and each step that is left
// out is noticed.
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "privsep/capabilities.h"
#include "privsep/channel.h"
#include "privsep/process_status.h"
#include "privsep/syscall_filter.h"
#include "test/privsep/service_namespace.h"

namespace perchild::test::verification_test {
namespace {

// A child that prepares itself and then waits to be looked at.
class Subject {
 public:
  explicit Subject(const std::function<bool()>& prepare) {
    auto pair = make_channel_pair();
    if (!pair) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      pair->first.reset();
      if (!prepare()) ::_exit(1);
      ::send(pair->second.get(), "r", 1, MSG_NOSIGNAL);
      for (;;) ::pause();
    }
    pair->second.reset();
    ::pollfd polled{pair->first.get(), POLLIN, 0};
    char byte;
    ready_ = ::poll(&polled, 1, 20'000) == 1 && ::recv(pair->first.get(), &byte, 1, 0) == 1;
  }
  ~Subject() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  // What the master would complain of; "ready" did not come: that.
  std::string difference(Role role, const Identity& identity) const {
    if (!ready_) return "it could not prepare itself";
    const auto status = read_process_status(pid_);
    if (!status) return status.error().text();
    // The tree's filter and the role's own; the master's is the tree's.
    const std::uint32_t filters = role == Role::master ? 1 : 2;
    return difference_from_policy(*status, role, identity, filters).value_or("");
  }

 private:
  ::pid_t pid_ = 0;
  bool ready_ = false;
};

bool no_new_privs() {
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
bool one_filter() {
  return load_syscall_filter(permit_everything()).has_value();
}
bool drop(const Identity& identity) {
  return become_master() && drop_to_identity(Role::worker, identity).has_value();
}
bool without_capabilities() {
  return keep_only_capabilities(0).has_value();
}

TEST(Verification, AWorkerThatHasLockedItselfDownPasses) {
  const TenantFolder folder;
  const std::string filter = permit_everything();
  const Subject worker([&] {
    // The tree's own filter comes first, as it does below the master.
    return drop(tenant()) && no_new_privs() && one_filter() &&
           lock_down_as(Role::worker,
                        {.filter = filter, .new_root = folder.fd(), .root_is_readable = true})
               .has_value();
  });
  EXPECT_EQ(worker.difference(Role::worker, tenant()), "");
  EXPECT_NE(worker.difference(Role::worker, {Uid{uid_b}, Gid{uid_a}, {}}), "");
  EXPECT_NE(worker.difference(Role::master, tenant()), "");
}

TEST(Verification, AMasterThatHasLockedItselfDownPasses) {
  const std::string filter = permit_everything();
  const Identity identity{Uid{master_uid}, Gid{master_uid}, {}};
  const Subject master([&] {
    return stand_where_exec_ends(Role::master, identity) &&
           lock_down_as(Role::master, {.filter = filter}).has_value();
  });
  EXPECT_EQ(master.difference(Role::master, identity), "");
}

struct LeftOut {
  const char* step;
  const char* complaint;
  bool (*prepare)();
};
const LeftOut left_out[] = {
    {"everything", "a uid", [] { return true; }},
    {"the capabilities that exec needed", "CapPrm",
     [] { return drop(tenant()) && no_new_privs() && one_filter() && one_filter(); }},
    {"no_new_privs", "NoNewPrivs", [] { return drop(tenant()) && without_capabilities(); }},
    {"both filters", "Seccomp",
     [] { return drop(tenant()) && without_capabilities() && no_new_privs(); }},
    {"its own filter", "Seccomp_filters",
     [] { return drop(tenant()) && without_capabilities() && no_new_privs() && one_filter(); }},
    {"the bounding set", "CapBnd",
     [] {
       // As the steps do it, in a process that has kept its bounding set.
       return enter_service_namespace() && ::setresgid(uid_a, uid_a, uid_a) == 0 &&
              ::setgroups(0, nullptr) == 0 && ::setresuid(uid_a, uid_a, uid_a) == 0 &&
              without_capabilities() && no_new_privs() && one_filter() && one_filter();
     }},
    {"the groups", "groups",
     [] {
       Identity identity = tenant();
       identity.groups = {Gid{uid_b}};
       return drop(identity) && without_capabilities() && no_new_privs() && one_filter() &&
              one_filter();
     }},
    {"the gid", "a gid",
     [] {
       Identity identity = tenant();
       identity.gid = Gid{uid_b};
       return drop(identity) && without_capabilities() && no_new_privs() && one_filter() &&
              one_filter();
     }},
    {"being alone", "Threads",
     [] {
       const bool rest = drop(tenant()) && without_capabilities() && no_new_privs() &&
                         one_filter() && one_filter();
       std::thread([] {
         for (;;) ::pause();
       }).detach();
       return rest;
     }},
};

TEST(Verification, EachStepThatIsLeftOutIsNoticed) {
  for (const LeftOut& step : left_out) {
    const std::string difference = Subject(step.prepare).difference(Role::worker, tenant());
    EXPECT_NE(difference.find(step.complaint), std::string::npos)
        << "left out: " << step.step << "; noticed: " << difference;
  }
}

TEST(Verification, NothingIsNoticedWhereNoneIsLeftOut) {
  const Subject whole([] {
    return drop(tenant()) && without_capabilities() && no_new_privs() && one_filter() &&
           one_filter();
  });
  EXPECT_EQ(whole.difference(Role::worker, tenant()), "");
}

}  // namespace
}  // namespace perchild::test::verification_test
