// A runner that has been taken over, towards the master. Whatever it says that it may not say ends
// it, and no other site notices, nor its own site's files.
#include <gtest/gtest.h>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/server.h"

namespace perchild::test::runner_test {
namespace {

class HostileRunner : public ::testing::TestWithParam<const char*> {
 protected:
  explicit HostileRunner(const std::string& order = GetParam())
      : server_({.sites = {{"bad.example",
                            {{"index.html", "of bad"}, {"order", order}},
                            R"(, "cgi": true)"},
                           {"good.example", {{"index.html", "of good"}}, R"(, "cgi": true)"}},
                 .bin = runner_.bin()}) {}

  ReplacedRole runner_{Role::runner};
  Server server_;
};

TEST_P(HostileRunner, IsEndedAndReportedWhileOthersGoOn) {
  ASSERT_EQ(get(server_.port(), "good.example").body, "of good");
  // It starts beside the worker, which may have answered before.
  ASSERT_TRUE(eventually([&] { return server_.runners_of(1).size() == 1; }));
  const auto good = server_.workers_of(1).at(0).pid;
  const auto good_runner = server_.runners_of(1).at(0).pid;
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_TRUE(server_.wait_for_log("runner of bad.example")) << server_.log();
  EXPECT_TRUE(server_.wait_for_log("runner of bad.example sent what it may not send: ended"))
      << server_.log();
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_EQ(server_.workers_of(1).at(0).pid, good);
  EXPECT_EQ(server_.runners_of(1).at(0).pid, good_runner);
  EXPECT_EQ(server_.stop(), 0) << server_.log();
}

INSTANTIATE_TEST_SUITE_P(Says, HostileRunner,
                         ::testing::Values("tell_master garbage", "tell_master wake",
                                           "tell_master acquired", "tell_master lock_down_twice",
                                           "tell_master unknown_worker",
                                           "tell_master mail_of_the_future", "behave wrong_pid",
                                           "not_locked_down"),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) c = c == ' ' ? '_' : c;
                           return name;
                         });

// The control.
class BehavingRunner : public HostileRunner {
 protected:
  BehavingRunner() : HostileRunner("behave") {}
};

TEST_F(BehavingRunner, IsLeftAlone) {
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_TRUE(eventually([&] { return server_.runners_of(0).size() == 1; }));
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_EQ(server_.log().find("ended"), std::string::npos) << server_.log();
}

}  // namespace
}  // namespace perchild::test::runner_test
