// A worker that has been taken over, towards the master and the routers: whatever it says that it
// may not say ends it. Other sites do not notice, and it is started again.
#include <gtest/gtest.h>
#include <signal.h>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/server.h"

namespace perchild::test::worker_test {
namespace {

class HostileWorker : public ::testing::TestWithParam<const char*> {
 protected:
  explicit HostileWorker(const std::string& order = GetParam())
      : server_({.sites = {{"bad.example", {{"index.html", "of bad"}, {"order", order}}},
                           {"good.example", {{"index.html", "of good"}, {"order", "serve"}}}},
                 .bin = worker_.bin()}) {}

  ReplacedRole worker_{Role::worker};
  Server server_;
};

TEST_P(HostileWorker, IsEndedReportedAndStartedAgainWhileOthersGoOn) {
  ASSERT_EQ(get(server_.port(), "good.example").body, "of good");
  const auto good = server_.workers_of(1).at(0).pid;
  const auto router = server_.routers().at(0).pid;
  Client client(server_.port());
  client.send("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  ASSERT_TRUE(server_.wait_for_log("worker of bad.example")) << server_.log();
  ASSERT_TRUE(server_.wait_for_log("was killed by SIGKILL")) << server_.log();
  EXPECT_NE(server_.log().find(": ended"), std::string::npos) << server_.log();
  EXPECT_EQ(get(server_.port(), "good.example").body, "of good");
  // From now on it behaves. The client that has waited all the time, or been told to come again, is
  // served by its successor.
  server_.add_file(0, "order", "serve");
  EXPECT_TRUE(eventually([&] { return get(server_.port(), "bad.example").body == "of bad"; }));
  EXPECT_EQ(server_.workers_of(1).at(0).pid, good);
  EXPECT_EQ(server_.routers().at(0).pid, router);
  EXPECT_EQ(server_.stop(), 0) << server_.log();
}

INSTANTIATE_TEST_SUITE_P(
    Says, HostileWorker,
    ::testing::Values("tell_master garbage", "tell_master wrong_pid", "tell_master lock_down_twice",
                      "tell_master lock_down_descriptor", "tell_master wake",
                      "tell_master report_flood", "tell_master routers_report",
                      "tell_master busy_without_idle", "tell_master pong_without_ping",
                      "tell_router empty", "tell_master idle_twice", "tell_master descriptor_alone",
                      "tell_master peer_violation", "not_locked_down", "tell_router garbage",
                      "tell_router extra_descriptor", "tell_router extra_descriptors",
                      "tell_router no_credit", "tell_router too_many_credits",
                      "tell_router credits_beyond", "tell_router hand_over", "tell_router wake",
                      "tell_router descriptor_alone"),
    [](const auto& each) {
      std::string name = each.param;
      for (char& c : name) c = c == ' ' ? '_' : c;
      return name;
    });

// The same towards the keeper. None of these workers heeds the end of the server.
const std::string soon_at_an_end = R"(, "drain_timeout": "500ms")";

class HostileSigner : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileSigner, IsEndedWhileTheKeeperAndOthersGoOn) {
  const ReplacedRole worker(Role::worker);
  Server server({.sites = {{"bad.example",
                            {{"order", std::string("tell_keeper ") + GetParam()}},
                            R"(, "tls": "self-signed")"},
                           {"good.example", {{"index.html", "of good"}, {"order", "serve"}}}},
                 .more = soon_at_an_end,
                 .bin = worker.bin()});
  ASSERT_EQ(server.keepers().size(), 1u);
  const auto keeper = server.keepers().front().pid;
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  ASSERT_TRUE(
      server.wait_for_log("worker of bad.example asked the keeper for what it may not have: ended"))
      << server.log();
  EXPECT_EQ(get(server.port(), "good.example").body, "of good");
  EXPECT_EQ(server.keepers().front().pid, keeper);
}

INSTANTIATE_TEST_SUITE_P(Asks, HostileSigner,
                         ::testing::Values("sign_document", "sign_with_another_key", "sign_by_sha1",
                                           "sign_nothing", "sign_beyond_all_keys",
                                           "sign_with_descriptor", "sign_without_reading",
                                           "garbage", "hand_over", "wake", "descriptor_alone"),
                         [](const auto& each) { return std::string(each.param); });

// The control.
TEST(BehavingSigner, IsLetBe) {
  const ReplacedRole worker(Role::worker);
  Server server({.sites = {{"bad.example",
                            {{"order", "tell_keeper sign_handshake"}},
                            R"(, "tls": "self-signed")"}},
                 .more = soon_at_an_end,
                 .bin = worker.bin()});
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server.workers_of(0).size() == 1; }));
  EXPECT_FALSE(server.wait_for_log("asked the keeper", 500));
}

// The control: nothing is reported of, and nothing happens to, one that behaves.
class BehavingDouble : public HostileWorker {
 protected:
  BehavingDouble() : HostileWorker("serve") {}
};

TEST_F(BehavingDouble, IsServedByAndLeftAlone) {
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  const auto pid = server_.workers_of(0).at(0).pid;
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_EQ(server_.workers_of(0).at(0).pid, pid);
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_EQ(server_.log().find("ended"), std::string::npos) << server_.log();
}

// It grants no credit.
class HoardingWorker : public HostileWorker {
 protected:
  HoardingWorker() : HostileWorker("hoard") {}
};

TEST_F(HoardingWorker, KeepsItsOwnSitesVisitorsWaitingAndNoOthers) {
  Client client(server_.port());
  client.send("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server_.workers_of(0).size() == 1; }));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(server_.port(), "good.example").body, "of good");
  EXPECT_EQ(client.receive_some(1), "");
  server_.add_file(0, "order", "serve");
  ASSERT_EQ(::kill(server_.workers_of(0).at(0).pid, SIGKILL), 0);
  EXPECT_EQ(client.receive().body, "of bad") << server_.log();
}

// An empty message reads like the end of the sender: it ends nothing by itself, and must not leave
// a worker that nobody can speak to any more.
class SilentWorker : public HostileWorker {
 protected:
  SilentWorker() : HostileWorker("tell_master empty") {}
};

TEST_F(SilentWorker, ThatSeemsToHaveGoneIsEnded) {
  Client client(server_.port());
  client.send("GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n");
  EXPECT_TRUE(server_.wait_for_log("worker of bad.example")) << server_.log();
  server_.add_file(0, "order", "serve");
  EXPECT_TRUE(eventually([&] { return get(server_.port(), "bad.example").body == "of bad"; }));
}

}  // namespace
}  // namespace perchild::test::worker_test
