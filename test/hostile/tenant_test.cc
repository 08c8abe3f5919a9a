// A customer's own process, which has the uid of a site, against everything that runs: from outside
// of the service's user namespace (a login shell) and from inside of it (a program of the site).
// Each attack is also made on a plain process of the same uid, where it must work.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "privsep/capabilities.h"
#include "privsep/lock_down.h"
#include "privsep/user_namespace.h"
#include "test/hostile/attacks.h"
#include "test/support/client.h"
#include "test/support/in_child.h"
#include "test/support/server.h"

namespace perchild::test::tenant_test {
namespace {

// Those on another process that need the right to trace it.
const char* const traces[] = {
    "read_memory", "write_memory", "attach",    "take_descriptor", "list_descriptors",
    "proc_mem",    "proc_environ", "proc_maps", "proc_auxv",       "proc_root",
    "proc_cwd",    "proc_exe",     "proc_fd",   "proc_fdinfo",     "proc_namespace"};
const char* const signals[] = {"signal", "signal_handle"};

bool is_refusal(int error) {
  return error == EPERM || error == EACCES;
}

// Where uid 0 is not mapped, leaving it does not take the capabilities along.
bool become(::uid_t uid) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
         ::setresuid(uid, uid, uid) == 0 && keep_only_capabilities(0).has_value();
}

// A process that waits to be attacked, until this goes.
class Victim {
 public:
  explicit Victim(const std::function<bool()>& prepare) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      const bool prepared = prepare();
      [[maybe_unused]] const ssize_t said = ::write(ends[1], prepared ? "y" : "n", 1);
      for (;;) ::pause();
    }
    char answer = 'n';
    prepared_ = ::read(ends[0], &answer, 1) == 1 && answer == 'y';
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~Victim() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  bool prepared() const { return prepared_; }
  std::string pid() const { return std::to_string(pid_); }

 private:
  ::pid_t pid_;
  bool prepared_ = false;
};

enum class Stand { outside, inside };

class Tenant : public ::testing::TestWithParam<Stand> {
 protected:
  Tenant()
      : server_({.sites = {{"a.example", {{"index.html", "of a"}, {"secret", "a's"}}},
                           {"b.example", {{"index.html", "of b"}, {"secret", "b's"}}}}}) {
    EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
    EXPECT_EQ(get(server_.port(), "b.example").body, "of b");
    namespace_ = UniqueFd(::open(("/proc/" + std::to_string(server_.master()) + "/ns/user").c_str(),
                                 O_RDONLY | O_CLOEXEC));
  }

  // Into the place that this test is about, as this uid.
  bool stand_as(::uid_t uid) const {
    if (GetParam() == Stand::inside && ::setns(namespace_.get(), CLONE_NEWUSER) != 0) return false;
    // Dumpable again, which the change of uid took: as after an exec.
    return become(uid) && ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
  }
  int as_a(const std::string& name, const std::string& argument) const {
    return in_child([&] { return stand_as(uid_a) ? attack(name, argument) : 255; }).status;
  }
  static std::string text(::pid_t pid) { return std::to_string(pid); }

  Server server_;
  UniqueFd namespace_;
};

TEST_P(Tenant, SeesIntoNoProcessOfTheServiceNotEvenItsOwnWorker) {
  const auto processes = server_.processes();
  ASSERT_EQ(processes.size(), 4u);  // master, router, two workers
  for (const ProcessFacts& process : processes) {
    for (const char* name : traces) {
      const int error = as_a(name, text(process.pid));
      EXPECT_TRUE(is_refusal(error))
          << name << " on " << process.name << " of uid " << process.uid << ": " << error;
    }
  }
  EXPECT_EQ(server_.processes().size(), 4u);
}

TEST_P(Tenant, SeesIntoAPlainProcessOfItsUidByTheSameMeans) {
  const Victim twin([&] { return stand_as(uid_a); });
  ASSERT_TRUE(twin.prepared());
  for (const char* name : traces) EXPECT_EQ(as_a(name, twin.pid()), 0) << name;
}

TEST_P(Tenant, SignalsNobodyButItsOwnWorker) {
  for (const ProcessFacts& process : server_.processes()) {
    for (const char* name : signals) {
      const int error = as_a(name, text(process.pid));
      if (process.uid == uid_a) {
        // kill(2): who has the same uid may. A tenant can end its own worker, which comes back.
        EXPECT_EQ(error, 0) << name;
      } else {
        EXPECT_EQ(error, EPERM) << name << " on " << process.name;
      }
    }
  }
}

TEST_P(Tenant, EndsItsOwnWorkerAndHarmsNobodyElse) {
  const auto worker = server_.workers_of(0).at(0).pid;
  const auto other = server_.workers_of(1).at(0).pid;
  ASSERT_EQ(
      in_child([&] { return stand_as(uid_a) && ::kill(worker, SIGKILL) == 0 ? 0 : 1; }).status, 0);
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server_.port(), "b.example").body, "of b");
  EXPECT_EQ(server_.workers_of(1).at(0).pid, other);
  EXPECT_NE(server_.workers_of(0).at(0).pid, worker);
}

TEST_P(Tenant, ReadsNoFileOfAnother) {
  EXPECT_EQ(as_a("read", server_.docroot(0) + "/secret"), 0);
  EXPECT_EQ(as_a("read", server_.docroot(1) + "/secret"), EACCES);
  EXPECT_EQ(as_a("list", server_.docroot(1)), EACCES);
  EXPECT_EQ(as_a("write", server_.docroot(1) + "/secret"), EACCES);
  EXPECT_EQ(as_a("make", server_.docroot(1) + "/planted"), EACCES);
}

TEST_P(Tenant, TouchesNoLogNotEvenItsOwn) {
  for (const char* log : {"a.example.access.log", "b.example.access.log", "b.example.error.log"}) {
    const std::string path = server_.log_directory() + "/" + log;
    ASSERT_FALSE(::access(path.c_str(), F_OK)) << path;
    EXPECT_EQ(as_a("read", path), EACCES);
    EXPECT_EQ(as_a("write", path), EACCES);
  }
  EXPECT_EQ(as_a("make", server_.log_directory() + "/c.example.access.log"), EACCES);
  EXPECT_EQ(as_a("list", server_.log_directory()), EACCES);
}

TEST_P(Tenant, BecomesNobodyElse) {
  for (const ::uid_t uid : {::uid_t{0}, uid_b, master_uid, router_uid}) {
    EXPECT_NE(as_a("become", text(static_cast<::pid_t>(uid))), 0) << uid;
  }
  EXPECT_NE(as_a("join_group", "0"), 0);
  EXPECT_NE(as_a("join_group", text(uid_b)), 0);
  EXPECT_EQ(as_a("become", text(uid_a)), 0);
}

// Between its exec and its first step, a worker is dumpable and has its site's uid; what it holds
// then, and the namespace, keep its uid's other processes out.
TEST_P(Tenant, SeesIntoNoWorkerThatHasNotLockedItselfDownYet) {
  const Victim starting([&] {
    return ::setns(namespace_.get(), CLONE_NEWUSER) == 0 &&
           drop_to_identity(Role::master, {Uid{master_uid}, Gid{master_uid}, {}}).has_value() &&
           drop_to_identity(Role::worker, {Uid{uid_a}, Gid{uid_a}, {}}).has_value() &&
           ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
  });
  ASSERT_TRUE(starting.prepared());
  for (const std::string name : traces) {
    // The numbers of its descriptors are its owner's to see; what they are is not.
    if (name == "list_descriptors") continue;
    EXPECT_TRUE(is_refusal(as_a(name, starting.pid()))) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(From, Tenant, ::testing::Values(Stand::outside, Stand::inside),
                         [](const auto& each) {
                           return each.param == Stand::outside ? "Outside" : "Inside";
                         });

TEST(TenantsSetuidProgram, IsInertInsideOfTheNamespaceAndWorksOutside) {
  const TemporaryDirectory folder;
  const std::string path = folder.path() + "/id";
  ASSERT_EQ(::system(("cp /usr/bin/id " + path + " && chmod 4755 " + path).c_str()), 0);
  IdMap ids;
  ids.add({20000, 20999});
  const auto execute = [&](bool inside) {
    return in_child([&] {
             if (inside && !enter_user_namespace(ids, ids, Uid{master_uid})) return 255;
             return become(uid_a) ? attack("execute_setuid", path) : 254;
           })
        .status;
  };
  EXPECT_EQ(execute(true), EPERM);
  EXPECT_EQ(execute(false), 0);
}

}  // namespace
}  // namespace perchild::test::tenant_test
