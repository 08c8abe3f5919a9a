// A runner that has been taken over, towards the master. Whatever it says that it may not say ends
// it, and no other site notices, nor its own site's files.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/matches.h"
#include "test/support/server.h"

namespace perchild::test::runner_test {
namespace {

class HostileRunner : public ::testing::TestWithParam<const char*> {
 protected:
  explicit HostileRunner(const std::string& order = GetParam(), const std::string& more = {})
      : server_({.sites = {{"bad.example",
                            {{"index.html", "of bad"}, {"order", order}},
                            R"(, "cgi": true)" + more},
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

// Towards its site's worker, which has asked for a file for bodies.
class HostileGiver : public HostileRunner {
 protected:
  HostileGiver()
      : HostileRunner("answer_worker " + std::string(GetParam()),
                      R"(, "limits": {"body": "96M"})") {
    server_.add_file(0, "empty", "");
    server_.add_file(0, "cgi-bin/script", "", 0700);
    client_.send(
        "POST /cgi-bin/script HTTP/1.1\r\nHost: bad.example\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  void send_mebibytes(std::size_t count) {
    const std::string chunk = "100000\r\n" + std::string(1U << 20U, 'x') + "\r\n";
    for (std::size_t i = 0; i < count; ++i) client_.send(chunk);
  }

  bool worker_holds(const std::string& file) const {
    const std::string folder = "/proc/" + std::to_string(server_.workers_of(0).at(0).pid) + "/fd";
    const std::filesystem::directory_iterator all(folder);
    return std::any_of(begin(all), end(all), [&](const auto& each) {
      std::error_code gone;
      return std::filesystem::read_symlink(each.path(), gone).string().starts_with(file);
    });
  }

  Client client_{server_.port()};
};
class GiverOfWhatIsNone : public HostileGiver {};
class GiverOfWhatIsOne : public HostileGiver {};

TEST_P(GiverOfWhatIsNone, IsEndedAndItsSiteGoesOn) {
  send_mebibytes(6);
  EXPECT_TRUE(
      server_.wait_for_log("runner of bad.example sent a worker what it may not send: ended"))
      << server_.log();
  EXPECT_TRUE(eventually(
      [&] { return contains(server_.error_log(0), "the site's runner sent what is no answer"); }));
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_EQ(get(server_.port(), "good.example").body, "of good");
}

INSTANTIATE_TEST_SUITE_P(Gives, GiverOfWhatIsNone,
                         ::testing::Values("pipe", "named", "full", "twice", "unasked"));

// Where none comes memory has to do, and is bounded; the control is the one that gives a file.
TEST_P(GiverOfWhatIsOne, MakesNobodyUseMoreMemory) {
  const bool gives = GetParam() == std::string("right");
  send_mebibytes(5);
  ASSERT_TRUE(!gives || eventually([&] { return worker_holds("/memfd:bodies"); }));
  send_mebibytes(gives ? 75 : 63);
  if (!gives) {
    EXPECT_EQ(client_.receive().status, 503);
    EXPECT_TRUE(eventually([&] {
      return contains(server_.error_log(0), "no memory to keep the body in, and no file");
    }));
  }
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_EQ(contains(server_.error_log(0), "no memory"), !gives);
  EXPECT_EQ(server_.log().find("ended"), std::string::npos) << server_.log();
}

INSTANTIATE_TEST_SUITE_P(Gives, GiverOfWhatIsOne, ::testing::Values("nothing", "right"));

// It is told that its site sleeps, and stays.
class StayingRunner : public HostileRunner {
 protected:
  StayingRunner() : HostileRunner("behave", R"(, "php": true, "idle_timeout": "10ms")") {}
};

TEST_F(StayingRunner, IsEndedInTime) {
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_TRUE(server_.wait_for_log("runner of bad.example has not finished in time: ended"));
  EXPECT_TRUE(eventually([&] { return server_.runners_of(0).empty(); }));
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_EQ(server_.stop(), 0);
}

// It leaves what is no session, for as long as its site has PHP.
class LitteringRunner : public HostileRunner {
 protected:
  LitteringRunner() : HostileRunner("litter", R"(, "php": true, "idle_timeout": "10ms")") {}
};

TEST_F(LitteringRunner, IsGivenItBackAndNobodyElseIs) {
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_TRUE(eventually([&] { return server_.runners_of(0).empty(); }));
  EXPECT_EQ(get(server_.port(), "good.example").body, "of good");
  EXPECT_EQ(get(server_.port(), "bad.example").body, "of bad");
  EXPECT_TRUE(eventually([&] { return contains(server_.error_log(0), "given litter"); }));
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_FALSE(contains(server_.log(), "ended")) << server_.log();
}

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
