// A master that has been taken over, between its exec and its lock-down: five capabilities in the
// service's namespace, and no filter. Beside each attack the same one by plain root.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "privsep/inherited_fds.h"
#include "test/hostile/attacks.h"
#include "test/hostile/replaced_role.h"
#include "test/support/in_child.h"
#include "test/support/server.h"

namespace perchild::test::master_test {
namespace {

// One of root's, outside of the service.
class Process {
 public:
  Process() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) ::pause();
    }
  }
  ~Process() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  std::string pid() const { return std::to_string(pid_); }

 private:
  ::pid_t pid_;
};

class HostileMaster : public ::testing::Test {
 protected:
  HostileMaster() {
    master_.add_setuid_program();
    master_.write("secret", "root's", 0600);
    master_.write("mine", "root's");
    Server server({.sites = {{"a.example", {{"index.html", "of a"}}, R"(, "tls": "self-signed")"}},
                   .bin = master_.bin()});
    results_ = reported_attacks(server.log());
    EXPECT_EQ(server.stop(), 0);
  }

  std::string beside(const std::string& name) const { return master_.bin() + "/" + name; }
  int as_master(const std::string& name, const std::string& argument) const {
    const auto found = results_.find(name + " " + argument);
    return found == results_.end() ? -1 : found->second;
  }
  static int as_root(const std::string& name, const std::string& argument) {
    return in_child([&] { return attack(name, argument); }).status;
  }
  void expect(const std::string& name, const std::string& argument, int error) const {
    EXPECT_EQ(as_master(name, argument), error) << name << " " << argument;
    EXPECT_EQ(as_root(name, argument), 0) << name << " " << argument << " by root";
  }

  ReplacedRole master_{Role::master};
  std::map<std::string, int> results_;
};

TEST_F(HostileMaster, BecomesTenantsAndServicesAndNobodyElse) {
  EXPECT_EQ(as_master("become", "20001"), 0);
  EXPECT_EQ(as_master("join_group", "20001"), 0);
  expect("become", "0", EINVAL);
  expect("become", "1000", EINVAL);
  expect("become", "65534", EINVAL);
  expect("join_group", "0", EINVAL);
  expect("join_group", "6", EINVAL);
}

TEST_F(HostileMaster, ReadsThePrivateKeysThatItPassesOn) {
  EXPECT_EQ(as_master("read_back", std::to_string(MasterFds::keys)), 0);
}

TEST_F(HostileMaster, GainsNothingFromASetuidProgram) {
  EXPECT_EQ(as_master("execute_setuid", beside("setuid-id")), EPERM);
  // The control: anybody who is outside does.
  EXPECT_EQ(in_child_as(uid_a, uid_a, [&] { return attack("execute_setuid", beside("setuid-id")); })
                .status,
            0);
}

TEST_F(HostileMaster, ReadsNothingOfRootsByAnyWay) {
  expect("read", beside("secret"), EACCES);
  expect("read", "/etc/shadow", EACCES);
  expect("read_by_chroot", beside("secret"), EACCES);
  expect("read_by_nested_namespace", beside("secret"), EACCES);
  expect("open_by_handle", beside("secret"), EPERM);
}

TEST_F(HostileMaster, WritesNothingOfRoots) {
  expect("make", beside("made"), EACCES);
  EXPECT_NE(as_master("write", beside("perchild")), 0);
  EXPECT_EQ(as_root("write", beside("secret")), 0);
  expect("make_setuid_root", beside("mine"), EINVAL);  // there is no uid 0 to give it to
}

TEST_F(HostileMaster, HasNoPowerOverTheMachine) {
  expect("mount", master_.bin(), EPERM);
  expect("set_host_name", "-", EPERM);
  expect("bind", "1", EACCES);
  EXPECT_EQ(as_master("enter_first_namespace", "-"), EACCES);
}

TEST_F(HostileMaster, HasNoPowerOverProcessesOutside) {
  expect("signal", "1", EPERM);
  EXPECT_EQ(as_master("attach", "1"), EPERM);
  EXPECT_EQ(as_master("take_descriptor", "1"), EPERM);
  EXPECT_EQ(as_master("read_memory", "1"), EPERM);
  // The control: root may do all of that to a process, though not to every machine's init.
  Process outside;
  for (const char* name : {"attach", "take_descriptor", "read_memory", "proc_namespace"}) {
    EXPECT_EQ(as_root(name, outside.pid()), 0) << name;
  }
}

}  // namespace
}  // namespace perchild::test::master_test
