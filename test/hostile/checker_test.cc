// A checker that has been taken over, towards the master and its site's workers; and a worker that
// has, towards its checker. Whatever one says that it may not say ends it, and no other site
// notices.
#include <gtest/gtest.h>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/server.h"

namespace perchild::test::checker_test {
namespace {

constexpr const char* with_password =
    "GET / HTTP/1.1\r\nHost: bad.example\r\nAuthorization: Basic YTpi\r\n\r\n";

std::string auth_of(const std::string& user) {
  return R"(, "auth": { "users": { ")" + user + R"(": "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0" } })";
}

class HostileChecker : public ::testing::TestWithParam<const char*> {
 protected:
  explicit HostileChecker(const std::string& order = GetParam())
      : server_({.sites = {{"bad.example", {{"index.html", "of bad"}}, auth_of(order)},
                           {"good.example", {{"index.html", "of good"}}}},
                 .bin = checker_.bin()}) {}

  ReplacedRole checker_{Role::checker};
  Server server_;
};

TEST_P(HostileChecker, IsEndedAndReportedWhileOthersGoOn) {
  ASSERT_EQ(get(server_.port(), "good.example").body, "of good");
  const auto good = server_.workers_of(1).at(0).pid;
  EXPECT_EQ(get(server_.port(), "bad.example").status, 401);
  const auto bad = server_.workers_of(0).at(0).pid;
  EXPECT_TRUE(server_.wait_for_log("checker of bad.example sent")) << server_.log();
  EXPECT_NE(server_.log().find(": ended"), std::string::npos) << server_.log();
  EXPECT_EQ(get(server_.port(), "good.example").body, "of good");
  EXPECT_EQ(server_.workers_of(1).at(0).pid, good);
  EXPECT_EQ(server_.workers_of(0).at(0).pid, bad);  // nor does its own site's worker suffer
  EXPECT_EQ(server_.stop(), 0) << server_.log();
}

INSTANTIATE_TEST_SUITE_P(Says, HostileChecker,
                         ::testing::Values("tell_worker garbage", "tell_worker descriptor",
                                           "tell_worker unasked", "tell_worker wake",
                                           "tell_master garbage", "tell_master wake",
                                           "tell_master lock_down_twice",
                                           "tell_master unknown_worker"),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) c = c == ' ' ? '_' : c;
                           return name;
                         });

// The control.
class BehavingChecker : public HostileChecker {
 protected:
  BehavingChecker() : HostileChecker("behave") {}
};

TEST_F(BehavingChecker, IsAskedAndLeftAlone) {
  Client client(server_.port());
  client.send(with_password);
  EXPECT_EQ(client.receive().body, "of bad");
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_EQ(server_.log().find("ended"), std::string::npos) << server_.log();
}

class WorkerTowardsItsChecker : public ::testing::TestWithParam<const char*> {
 protected:
  ReplacedRole worker_{Role::worker};
  Server server_{
      {.sites = {{"bad.example",
                  {{"index.html", "of bad"}, {"order", std::string("tell_checker ") + GetParam()}},
                  auth_of("alice")}},
       .bin = worker_.bin()}};
};

TEST_P(WorkerTowardsItsChecker, IsEndedAndTheCheckerGoesOn) {
  Client client(server_.port());
  client.send(with_password);
  ASSERT_TRUE(server_.wait_for_log(
      "worker of bad.example sent the checker of bad.example what it may not send"))
      << server_.log();
  server_.add_file(0, "order", "serve");
  EXPECT_TRUE(eventually([&] { return get(server_.port(), "bad.example").status == 401; }));
  EXPECT_EQ(server_.stop(), 0) << server_.log();
}

INSTANTIATE_TEST_SUITE_P(Says, WorkerTowardsItsChecker,
                         ::testing::Values("garbage", "extra_descriptor", "descriptor_alone",
                                           "list_of_nobody", "wake"));

}  // namespace
}  // namespace perchild::test::checker_test
