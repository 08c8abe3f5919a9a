// A router that has been taken over: the real loop under the real lock-down, until a client asks it
// for an attack.
#include <gtest/gtest.h>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/server.h"

namespace perchild::test::router_test {
namespace {

class HostileRouter : public ::testing::TestWithParam<const char*> {
 protected:
  HostileRouter()
      : server_({.sites = {{"a.example", {{"index.html", "of a"}}},
                           {"b.example", {{"index.html", "of b"}}}},
                 .bin = router_.bin()}) {
    EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
    worker_ = server_.workers_of(0).at(0).pid;
    pid_ = server_.routers().at(0).pid;
  }

  void ask_for(const std::string& attack, const std::string& host = "a.example") {
    client_ = std::make_unique<Client>(server_.port());
    client_->send("GET /attack/" + attack + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  }

  // Another router serves, both sites; the master and the worker that ran are the same.
  void expect_recovery() {
    EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
    EXPECT_EQ(get(server_.port(), "b.example").body, "of b");
    ASSERT_EQ(server_.routers().size(), 1u);
    EXPECT_NE(server_.routers().at(0).pid, pid_);
    ASSERT_EQ(server_.workers_of(0).size(), 1u);
    EXPECT_EQ(server_.workers_of(0).at(0).pid, worker_) << server_.log();
    EXPECT_EQ(server_.stop(), 0) << server_.log();
  }

  ReplacedRole router_{Role::router};
  Server server_;
  ::pid_t worker_ = 0;
  ::pid_t pid_ = 0;
  std::unique_ptr<Client> client_;
};

class HostileRouterSays : public HostileRouter {};

TEST_P(HostileRouterSays, WhatItMayNotAndIsEndedReportedAndReplaced) {
  ask_for(GetParam());
  ASSERT_TRUE(server_.wait_for_log("router 0 sent what")) << server_.log();
  ASSERT_TRUE(server_.wait_for_log("was killed by SIGKILL")) << server_.log();
  expect_recovery();
}

INSTANTIATE_TEST_SUITE_P(ToTheMaster, HostileRouterSays,
                         ::testing::Values("unknown_site", "impossible_site", "wake_twice",
                                           "wake_flood", "report_flood", "queue_report_flood",
                                           "queue_report_of_no_site", "queues_stand", "garbage",
                                           "wrong_direction", "extra_descriptor",
                                           "many_descriptors", "violation_on_no_channel",
                                           "violation_on_channel_0", "queue_of_an_unknown_site",
                                           "silence_on_no_channel", "routes_of_no_reload",
                                           "routes_of_the_future", "second_lock_down"),
                         [](const auto& each) { return std::string(each.param); });

// What may be late news is no proof of anything: it has no effect either.
class HostileRouterReports : public HostileRouter {};

TEST_P(HostileRouterReports, WhatIsNotSoToNoEffect) {
  ask_for(GetParam());
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  ASSERT_EQ(server_.workers_of(0).size(), 1u);
  EXPECT_EQ(server_.workers_of(0).at(0).pid, worker_);
  EXPECT_TRUE(server_.workers_of(1).empty());
  EXPECT_EQ(server_.routers().at(0).pid, pid_);
  EXPECT_EQ(server_.stop(), 0) << server_.log();
}

INSTANTIATE_TEST_SUITE_P(ToTheMaster, HostileRouterReports,
                         ::testing::Values("violation_of_a_sleeping_site", "some_queues_stand",
                                           "workers_silent"),
                         [](const auto& each) { return std::string(each.param); });

TEST_F(HostileRouter, HasAWorkerEndedByAccusingItAndItIsStartedAgain) {
  ask_for("accuse_a_worker");
  ASSERT_TRUE(server_.wait_for_log("sent what is no message: ended")) << server_.log();
  // The one that is ended may have answered just before.
  EXPECT_TRUE(eventually([&] {
    if (get(server_.port(), "a.example").body != "of a") return false;
    const auto workers = server_.workers_of(0);
    return workers.size() == 1 && workers[0].pid != worker_;
  })) << server_.log();
}

class HostileRouterCalls : public HostileRouter {};

TEST_P(HostileRouterCalls, WhatItsFilterForbidsAndIsReplacedWithTheListenerIntact) {
  ask_for(GetParam());
  ASSERT_TRUE(server_.wait_for_log("was killed by SIGSYS")) << server_.log();
  expect_recovery();
}

INSTANTIATE_TEST_SUITE_P(OfTheKernel, HostileRouterCalls,
                         ::testing::Values("close_the_listener", "connect_out"),
                         [](const auto& each) { return std::string(each.param); });

class RouterThatSeemsGone : public HostileRouter {};

TEST_P(RouterThatSeemsGone, IsEndedAndReplaced) {
  ask_for(GetParam());
  EXPECT_TRUE(eventually([&] {
    const auto routers = server_.routers();
    return routers.size() == 1 && routers.front().pid != pid_;
  })) << server_.log();
  expect_recovery();
}

INSTANTIATE_TEST_SUITE_P(By, RouterThatSeemsGone, ::testing::Values("empty_message", "hang_up"),
                         [](const auto& each) { return std::string(each.param); });

// A second start is needed for it, since one that fails at the first ends the service.
class RouterThatStartsBadly : public HostileRouter {};

TEST_P(RouterThatStartsBadly, IsEndedUntilOneStartsWell) {
  router_.write("router-order", GetParam());
  ask_for("garbage");
  ASSERT_TRUE(server_.wait_for_log("router 0 sent what is no message")) << server_.log();
  ASSERT_TRUE(server_.wait_for_log("router 0 sent what it may not send now")) << server_.log();
  router_.remove("router-order");
  expect_recovery();
}

INSTANTIATE_TEST_SUITE_P(By, RouterThatStartsBadly,
                         ::testing::Values("wrong_pid", "early", "not_locked"),
                         [](const auto& each) { return std::string(each.param); });

class HostileRouterToWorker : public HostileRouter {
 protected:
  // The worker goes on, and so does the site.
  void expect_worker_unharmed() {
    EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
    ASSERT_EQ(server_.workers_of(0).size(), 1u);
    EXPECT_EQ(server_.workers_of(0).at(0).pid, worker_) << server_.log();
    EXPECT_EQ(server_.stop(), 0) << server_.log();
  }
};

TEST_F(HostileRouterToWorker, ADescriptorThatIsNoConnectionIsReportedAndClosed) {
  ask_for("hand_over_memory");
  EXPECT_TRUE(eventually([&] {
    return server_.error_log(0).find("a router passed what is no TCP connection") !=
           std::string::npos;
  })) << server_.error_log(0);
  expect_worker_unharmed();
}

TEST_F(HostileRouterToWorker, AListenerIsOfNoUseToIt) {
  ask_for("hand_over_listener");
  EXPECT_TRUE(client_->closed_by_server());
  // The listener still listens: nothing that the worker does with it reaches the others.
  expect_worker_unharmed();
}

TEST_F(HostileRouterToWorker, AConnectionForAnotherSiteIsAnswered421) {
  ask_for("hand_over_to_all", "b.example");
  EXPECT_EQ(client_->receive().status, 421);
  expect_worker_unharmed();
}

TEST_F(HostileRouterToWorker, AConnectionForItsOwnSiteIsServedByTheSameMeans) {
  ask_for("hand_over_to_all", "a.example");
  EXPECT_EQ(client_->receive().status, 404);
  expect_worker_unharmed();
}

TEST_F(HostileRouterToWorker, Http2WhereItIsNotSpokenIsReportedAndClosed) {
  ask_for("hand_over_http2");
  EXPECT_TRUE(eventually([&] {
    return server_.error_log(0).find("HTTP/2 without TLS came to a site that does not speak it") !=
           std::string::npos;
  })) << server_.error_log(0);
  expect_worker_unharmed();
}

TEST_F(HostileRouterToWorker, TlsWhereThereIsNoCertificateIsReportedAndClosed) {
  ask_for("hand_over_tls");
  EXPECT_TRUE(eventually([&] {
    return server_.error_log(0).find("a TLS connection came to a site without a certificate") !=
           std::string::npos;
  })) << server_.error_log(0);
  expect_worker_unharmed();
}

TEST_F(HostileRouterToWorker, WhatIsNoMessageIsReportedAndTheSiteGoesOn) {
  for (const char* attack : {"hand_over_garbage", "hand_over_two"}) {
    const std::size_t before = server_.error_log(0).size();
    ask_for(attack);
    EXPECT_TRUE(eventually([&] {
      return server_.error_log(0).find("a router sent what is no message", before) !=
             std::string::npos;
    })) << attack;
    EXPECT_TRUE(eventually([&] { return get(server_.port(), "a.example").body == "of a"; }));
  }
  EXPECT_EQ(get(server_.port(), "b.example").body, "of b");
}

TEST_F(HostileRouterToWorker, AFloodOfConnectionsIsBounded) {
  ask_for("hand_over_flood");
  EXPECT_TRUE(eventually([&] {
    return server_.error_log(0).find("more connections than were granted: one is closed") !=
           std::string::npos;
  })) << server_.error_log(0);
  EXPECT_TRUE(eventually([&] { return get(server_.port(), "b.example").body == "of b"; }));
  EXPECT_EQ(server_.workers_of(0).at(0).pid, worker_) << server_.log();
}

}  // namespace
}  // namespace perchild::test::router_test
