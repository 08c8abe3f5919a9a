// Sessions of PHP in a site's memory outlast its sleep, and nothing else does.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <sstream>

#include "test/support/spares.h"
#include "test/system/neighbour.h"
#include "test/system/reloading.h"

namespace perchild::test::sessions_test {
namespace {

constexpr const char* count =
    "<?php session_start(); echo $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;"
    "exec('setsid sleep 1000 >/dev/null 2>&1 &');";

SiteSpec site_of(const std::string& name) {
  return {name,
          {{"index.html", "of " + name}, {"n.php", count}, {"hello.php", "<?php echo 'hello';"}},
          R"(, "php": true, "idle_timeout": "1s")"};
}

ServerSpec sites(const std::string& groups) {
  return {.sites = {site_of("a.example"), site_of("b.example"), site_of("c.example")},
          .more = R"(, "child_groups": { )" + groups + " }"};
}

std::string server_name(std::size_t site) {
  return std::string(1, static_cast<char>('a' + site)) + ".example";
}

std::string visit(const Server& server, const std::string& host = "a.example") {
  return ask(server, request(host, "/n.php", "Cookie: PHPSESSID=0123456789abcdefghij\r\n")).body;
}

bool sleeps(const Server& server, std::size_t site) {
  return eventually(
      [&] { return server.workers_of(site).empty() && server.runners_of(site).empty(); });
}

::pid_t runner_of(const Server& server, std::size_t site) {
  const auto all = server.runners_of(site);
  return all.size() == 1 ? all[0].pid : 0;
}

// What programs have started and left is the runner's child.
::pid_t daemon_below(::pid_t runner) {
  ::pid_t found = 0;
  EXPECT_TRUE(eventually([&] {
    const std::string parent = std::to_string(runner);
    std::istringstream pids(read_file("/proc/" + parent + "/task/" + parent + "/children"));
    for (std::string pid; pids >> pid;) {
      if (read_file("/proc/" + pid + "/comm") == "sleep\n") found = std::stoi(pid);
    }
    return found != 0;
  }));
  return found;
}

class SessionsInMemory : public ::testing::TestWithParam<unsigned> {};

TEST_P(SessionsInMemory, OutlastTheSitesSleepAndNoProcessDoes) {
  Server server(sites("\"spares\": " + std::to_string(GetParam())));
  for (const char* expected : {"1", "2", "3"}) {
    ASSERT_TRUE(has_spares(server, GetParam()));
    EXPECT_EQ(visit(server), expected) << server.error_log(0);
    const ::pid_t daemon = daemon_below(runner_of(server, 0));
    ASSERT_TRUE(sleeps(server, 0));
    EXPECT_NE(::kill(daemon, 0), 0);
  }
  EXPECT_EQ(server.error_log(0), "");
  EXPECT_EQ(server.stop(), 0);
  EXPECT_FALSE(contains(server.log(), "runner of")) << server.log();
}

INSTANTIATE_TEST_SUITE_P(WithSpares, SessionsInMemory, ::testing::Values(0U, 1U));

TEST(Sessions, AreKeptForAsLongAsPhpWould) {
  auto spec = sites(R"("spares": 0)");
  spec.sites[0].more = R"(, "php": {"ini": {"session.gc_maxlifetime": 3}}, "idle_timeout": "10ms")";
  const Server server(spec);
  EXPECT_EQ(visit(server), "1");
  ASSERT_TRUE(sleeps(server, 0));
  EXPECT_EQ(visit(server), "2");
  ASSERT_TRUE(sleeps(server, 0));
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(3300);
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > end; }));
  EXPECT_EQ(visit(server), "1");
}

// Each takes a page.
TEST(Sessions, OfTheSiteThatHasSleptForLongestGoWhereThereAreTooMany) {
  const Server server(sites(R"("spares": 0, "sessions": "8K")"));
  for (std::size_t site = 0; site < 3; ++site) {
    EXPECT_EQ(visit(server, server_name(site)), "1");
    ASSERT_TRUE(sleeps(server, site));
  }
  EXPECT_EQ(visit(server, server_name(2)), "2");
  EXPECT_EQ(visit(server, server_name(1)), "2");
  EXPECT_EQ(visit(server, server_name(0)), "1");
}

TEST(Sessions, AreNotKeptWhereTheyMayTakeNothing) {
  const Server server(sites(R"("spares": 0, "sessions": 0)"));
  EXPECT_EQ(visit(server), "1");
  ASSERT_TRUE(sleeps(server, 0));
  EXPECT_EQ(visit(server), "1");
}

TEST(Sessions, AreTheirUsersAloneAfterAReload) {
  auto spec = sites(R"("spares": 0)");
  const Server server(spec);
  for (const char* host : {"a.example", "b.example"}) EXPECT_EQ(visit(server, host), "1");
  ASSERT_TRUE(sleeps(server, 0) && sleeps(server, 1));
  // The first is changed, the second another user's.
  edit(server, "\"idle_timeout\": \"1s\"", "\"idle_timeout\": \"2s\"");
  const std::string uid = "\"uid\": ";
  edit(server, uid + std::to_string(uid_b), uid + std::to_string(uid_b + 50));
  for (const char* name : {"", "/index.html", "/n.php", "/hello.php"}) {
    ASSERT_EQ(::chown((server.docroot(1) + name).c_str(), uid_b + 50, uid_b + 50), 0);
  }
  const auto reloaded = reload(server);
  ASSERT_EQ(reloaded.status, 0) << reloaded.output;
  EXPECT_EQ(visit(server, "a.example"), "2");
  EXPECT_EQ(visit(server, "b.example"), "1") << server.error_log(1);
}

TEST(Sessions, AreKeptWhereTheWorkerDies) {
  const Server server(sites(R"("spares": 0)"));
  EXPECT_EQ(visit(server), "1");
  ASSERT_EQ(::kill(server.workers_of(0).at(0).pid, SIGKILL), 0);
  EXPECT_EQ(visit(server), "2");
}

}  // namespace
}  // namespace perchild::test::sessions_test
