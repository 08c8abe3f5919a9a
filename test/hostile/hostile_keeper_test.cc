// A keeper that has been taken over, towards the master and the sites' workers. It has all keys,
// and can refuse its service; whatever it says that it may not say ends it, and no site is worse
// off once another one serves.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::hostile_keeper_test {
namespace {

class HostileKeeper : public ::testing::TestWithParam<const char*> {
 protected:
  HostileKeeper() {
    ServerSpec spec = secure_sites();
    spec.bin = keeper_.bin();
    server_ = std::make_unique<Server>(spec);
    EXPECT_TRUE(is_served("a.example"));
    worker_ = server_->workers_of(0).at(0).pid;
  }

  bool is_served(const std::string& host) const {
    return contains(tls_get(server_->port(), host, named(host)), "of ");
  }

  // From the next start on, which the first keeper's end brings about.
  ::pid_t start_keeper(const std::string& order) const {
    const auto before = server_->keepers().at(0).pid;
    keeper_.write("keeper-order", order);
    EXPECT_EQ(::kill(before, SIGKILL), 0);
    ::pid_t pid = 0;
    EXPECT_TRUE(eventually([&] {
      const auto keepers = server_->keepers();
      if (!keepers.empty() && keepers.front().pid != before) pid = keepers.front().pid;
      return pid != 0;
    }));
    return pid;
  }

  ReplacedRole keeper_{Role::keeper};
  std::unique_ptr<Server> server_;
  ::pid_t worker_ = 0;
};

class HostileKeeperToMaster : public HostileKeeper {};

TEST_P(HostileKeeperToMaster, IsEndedAndReplacedAndTheWorkersGoOn) {
  start_keeper(GetParam());
  ASSERT_TRUE(server_->wait_for_log("the keeper sent what ")) << server_->log();
  EXPECT_NE(server_->log().find(": ended"), std::string::npos) << server_->log();
  keeper_.write("keeper-order", "");
  EXPECT_TRUE(eventually([&] { return is_served("a.example") && is_served("b.example"); }));
  EXPECT_EQ(server_->workers_of(0).at(0).pid, worker_) << server_->log();
}

INSTANTIATE_TEST_SUITE_P(Says, HostileKeeperToMaster,
                         ::testing::Values("tell_master garbage", "tell_master wake",
                                           "tell_master give_keys", "tell_master lock_down_twice",
                                           "tell_master lock_down_descriptor",
                                           "tell_master violation_on_no_channel",
                                           "tell_master violation_on_channel_0", "wrong_pid"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

class HostileKeeperToWorker : public HostileKeeper {};

// The worker has no say about the keeper, nor may its site be left without one.
TEST_P(HostileKeeperToWorker, WhatIsNoAnswerAndTheSiteGoesOnByAnotherChannel) {
  const auto keeper = start_keeper(GetParam());
  ASSERT_TRUE(eventually([&] {
    return contains(server_->error_log(0), "the keeper sent what is no message: ending");
  })) << server_->error_log(0);
  EXPECT_TRUE(eventually([&] { return is_served("a.example"); }));
  EXPECT_NE(server_->workers_of(0).at(0).pid, worker_);
  EXPECT_EQ(server_->keepers().at(0).pid, keeper);
}

INSTANTIATE_TEST_SUITE_P(Says, HostileKeeperToWorker,
                         ::testing::Values("tell_worker garbage", "tell_worker wake",
                                           "tell_worker descriptor", "tell_worker question",
                                           "tell_worker too_long", "tell_worker one_ticket_key"),
                         [](const auto& each) { return std::string(each.param).substr(12); });

TEST_F(HostileKeeper, HasAWorkerEndedByAccusingItAndItIsStartedAgain) {
  start_keeper("tell_master accuse");
  ASSERT_TRUE(server_->wait_for_log(
      "worker of a.example asked the keeper for what it may not have: ended"));
  // It is said before it is done.
  EXPECT_TRUE(eventually([&] {
    const auto workers = server_->workers_of(0);
    return workers.size() == 1 && workers[0].pid != worker_ && is_served("a.example");
  }));
}

TEST_F(HostileKeeper, SignsWhatItLikesByEverySitesKey) {
  start_keeper("use_keys");
  for (const std::string site : {"0", "1"}) {
    ASSERT_TRUE(server_->wait_for_log("attack use_key " + site + ": 0\n")) << server_->log();
  }
}

// By a signature that nobody has asked for, or one that is none.
TEST_F(HostileKeeper, SpoilsHandshakesAndNothingElse) {
  start_keeper("lie");
  EXPECT_FALSE(TlsClient(server_->port(), named("a.example")).connected());
  EXPECT_EQ(server_->workers_of(0).at(0).pid, worker_);
  start_keeper("tell_worker unasked");
  EXPECT_TRUE(is_served("a.example"));
  EXPECT_EQ(server_->workers_of(0).at(0).pid, worker_);
}

// The control.
TEST_F(HostileKeeper, ThatBehavesIsLetBe) {
  const auto keeper = start_keeper("behave");
  EXPECT_TRUE(is_served("a.example"));
  EXPECT_TRUE(is_served("b.example"));
  EXPECT_EQ(server_->workers_of(0).at(0).pid, worker_);
  EXPECT_EQ(server_->keepers().at(0).pid, keeper);
}

std::set<std::string> ticket_keys_in(const std::string& error_log) {
  std::set<std::string> keys;
  std::istringstream lines(error_log);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("ticket keys ")) keys.insert(line.substr(12));
  }
  return keys;
}

// What a worker that is taken over has to resume a session with.
TEST(TicketKeysOfASite, AreItsWorkersAndNoOtherSites) {
  const ReplacedRole worker(Role::worker);
  const std::string tls = R"(, "tls": "self-signed", "start": "always", "workers": 2)";
  const Server server({.sites = {{"a.example", {{"order", "tell_keeper ticket_keys"}}, tls},
                                 {"b.example", {{"order", "tell_keeper ticket_keys"}}, tls}},
                       .more = R"(, "drain_timeout": "500ms")",
                       .bin = worker.bin()});
  const auto count = [&](std::size_t site) {
    return count_of(server.error_log(site), "ticket keys ");
  };
  ASSERT_TRUE(eventually([&] { return count(0) == 2 && count(1) == 2; }));
  const auto of_a = ticket_keys_in(server.error_log(0));
  const auto of_b = ticket_keys_in(server.error_log(1));
  ASSERT_EQ(of_a.size(), 1u);
  ASSERT_EQ(of_b.size(), 1u);
  std::istringstream a(*of_a.begin()), b(*of_b.begin());
  for (int part = 0; part < 3; ++part) {  // name, cipher, authentication
    std::string one, other;
    a >> one;
    b >> other;
    EXPECT_GE(one.size(), 32u);
    EXPECT_NE(one, other);
  }
}

}  // namespace
}  // namespace perchild::test::hostile_keeper_test
