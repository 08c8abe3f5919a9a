// When a site's runner runs, under the real master.
#include <gtest/gtest.h>
#include <signal.h>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test::runner_test {
namespace {

class SitesRunner : public ::testing::Test {
 protected:
  ::pid_t runner() {
    ::pid_t pid = 0;
    EXPECT_TRUE(eventually([&] {
      const auto all = server_.runners_of(0);
      if (all.size() != 1) return false;
      pid = all[0].pid;
      return filters_of(pid) == filters_of(server_.master()) + 1;
    })) << server_.log();
    return pid;
  }
  static std::string status_of(::pid_t pid) {
    return read_file("/proc/" + std::to_string(pid) + "/status");
  }
  // A child has the master's, and when it is locked down its own.
  static int filters_of(::pid_t pid) {
    const std::string status = status_of(pid);
    const std::size_t at = status.find("Seccomp_filters:\t");
    return at == std::string::npos ? -1 : std::stoi(status.substr(at + 17));
  }
  static bool is_gone(::pid_t pid) {
    return eventually([&] { return ::kill(pid, 0) != 0; });
  }

  explicit SitesRunner(const std::string& more = {})
      : server_({.sites = two_sites(R"(, "cgi": true)" + more)}) {}

  Server server_;
};

TEST_F(SitesRunner, RunsWhereThereAreProgramsAndIsLockedDown) {
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server_.port(), "b.example").body, "of b");
  const std::string status = status_of(runner());
  EXPECT_TRUE(contains(status, "Uid:\t20001\t20001\t20001\t20001")) << status;
  EXPECT_TRUE(contains(status, "CapEff:\t0000000000000000")) << status;
  EXPECT_TRUE(contains(status, "CapBnd:\t0000000000000000")) << status;
  EXPECT_TRUE(contains(status, "NoNewPrivs:\t1")) << status;
  EXPECT_TRUE(server_.runners_of(1).empty());
  EXPECT_EQ(server_.stop(), 0) << server_.log();
}

TEST_F(SitesRunner, ThatDiesIsStartedAgainAndTheWorkerGoesOn) {
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  const ::pid_t worker = server_.workers_of(0).at(0).pid;
  const ::pid_t first = runner();
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  EXPECT_TRUE(server_.wait_for_log("runner of a.example (pid " + std::to_string(first) +
                                   ") was killed by SIGKILL"))
      << server_.log();
  EXPECT_NE(runner(), first);
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  EXPECT_EQ(server_.workers_of(0).at(0).pid, worker);
}

class IdleSitesRunner : public SitesRunner {
 protected:
  IdleSitesRunner() : SitesRunner(R"(, "idle_timeout": "2s")") {}
};

TEST_F(IdleSitesRunner, EndsWithTheSitesLastWorker) {
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  const ::pid_t pid = runner();
  EXPECT_TRUE(is_gone(pid));
  EXPECT_TRUE(server_.workers_of(0).empty());
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  EXPECT_NE(runner(), pid);
}

}  // namespace
}  // namespace perchild::test::runner_test
