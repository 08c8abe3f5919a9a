// Applications: one process, many connections.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "test/daemon/runner/runner_under_test.h"

namespace perchild::test::app_test {
namespace {

using std::chrono::milliseconds;

constexpr const char* app = R"(#!/usr/bin/python3
import os, socket, sys, time
if len(sys.argv) > 1:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
else:
    assert os.environ["LISTEN_FDS"] == "1" and int(os.environ["LISTEN_PID"]) == os.getpid()
    assert os.path.exists(os.environ["PERCHILD_SOCKET"])
    listener = socket.socket(fileno=3)
while True:
    connection, _ = listener.accept()
    said = connection.recv(100)
    if said == b"die": os._exit(3)
    if said == b"hang": time.sleep(1000)
    connection.sendall(b"%d" % os.getpid())
    connection.close()
)";

class AppUnderTest : public ::testing::TestWithParam<const char*> {
 protected:
  explicit AppUnderTest(milliseconds idle = milliseconds(60'000),
                        milliseconds request = milliseconds(60'000))
      : runner_({{.kind = ProgramKind::app,
                  .protocol = ProgramProtocol::http,
                  .name = "app",
                  .command = {"/bin/sh", "-c", std::string("exec ./app ") + GetParam()},
                  .idle = idle,
                  .request = request}},
                {{"app", app}}) {}

  // What the application says to `word` on a connection of its own; "" if nothing.
  std::string ask(const std::string& word = "who") {
    worker_.acquire();
    const auto answer = worker_.answer();
    if (!answer.acquired()) return "refused";
    ::send(answer.connection.get(), word.data(), word.size(), MSG_NOSIGNAL);
    std::string said = read_to_end(answer.connection.borrow());
    worker_.release(answer.instance, false);
    return said;
  }

  RunnerUnderTest runner_;
  AskingWorker worker_ = runner_.attach();
};

TEST_P(AppUnderTest, IsStartedOnceAndGivenEveryConnection) {
  EXPECT_EQ(runner_.processes().size(), 1u);
  const std::string who = ask();
  EXPECT_FALSE(who.empty() || who == "refused") << runner_.error_log();
  EXPECT_EQ(ask(), who);
  EXPECT_EQ(runner_.processes().size(), 2u);
}

TEST_P(AppUnderTest, ThatEndsIsStartedAgainButNotAtOnce) {
  const std::string who = ask();
  EXPECT_EQ(ask("die"), "");
  EXPECT_TRUE(runner_.logs("app has ended"));
  std::string other;
  EXPECT_TRUE(eventually([&] { return (other = ask()) != "refused"; }));
  EXPECT_NE(other, who);
}

class DyingApp : public ::testing::Test {
 protected:
  RunnerUnderTest runner_{{{.kind = ProgramKind::app,
                            .protocol = ProgramProtocol::http,
                            .name = "app",
                            .command = {"/bin/sh", "-c", "exit 3"}}},
                          {}};
  AskingWorker worker_ = runner_.attach();
};

TEST_F(DyingApp, IsWaitedForByNobody) {
  worker_.acquire();
  const auto answer = worker_.answer();
  ASSERT_TRUE(answer.acquired()) << runner_.error_log();
  ::pollfd ended{answer.connection.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
  char byte;
  EXPECT_LE(::recv(answer.connection.get(), &byte, 1, 0), 0);
}

TEST_F(DyingApp, IsStartedLaterAndLater) {
  const std::int64_t begun = now_ms();
  while (now_ms() - begun < 1'200) {
    worker_.acquire();
    const auto answer = worker_.answer();
    if (answer.acquired()) worker_.release(answer.instance, false);
    pause_briefly();
  }
  const std::string log = runner_.error_log();
  const std::int64_t until = now_ms();
  int ends = 0;
  for (std::size_t at = 0; (at = log.find("app has ended", at)) != std::string::npos; ++at) ++ends;
  int most = 0;
  for (std::int64_t start = begun, delay = 250; start <= until; start += delay, delay *= 2) ++most;
  EXPECT_GE(ends, 2) << log;
  EXPECT_LE(ends, most) << log;
}

INSTANTIATE_TEST_SUITE_P(GivenOrMakesItsSocket, AppUnderTest, ::testing::Values("", "{socket}"));

class IdleApp : public AppUnderTest {
 protected:
  IdleApp() : AppUnderTest(milliseconds(100)) {}
};

TEST_P(IdleApp, IsEnded) {
  EXPECT_NE(ask(), "refused");
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 1; }));
  EXPECT_NE(ask(), "refused");
}

// Milliseconds that an answer may take, of it and of a health check.
constexpr int longest_answer = 500;

class SilentApp : public AppUnderTest {
 protected:
  SilentApp() : AppUnderTest(milliseconds(60'000), milliseconds(longest_answer)) {}

  // As a worker does when its request's time is up.
  void give_up_on(const std::string& word) {
    worker_.acquire();
    const auto answer = worker_.answer();
    ASSERT_TRUE(answer.acquired());
    ::send(answer.connection.get(), word.data(), word.size(), MSG_NOSIGNAL);
    pass(longest_answer);
    worker_.say_silent(answer.instance);
  }
  static void pass(int duration_ms) {
    const std::int64_t begun = now_ms();
    while (now_ms() - begun <= duration_ms) pause_briefly();
  }
};

TEST_P(SilentApp, IsReplacedIfItDoesNotAnswerAtAll) {
  const std::string who = ask();
  give_up_on("hang");
  EXPECT_TRUE(runner_.logs("app does not answer, and is ended"));
  std::string other;
  EXPECT_TRUE(eventually([&] { return (other = ask()) != "refused"; }));
  EXPECT_FALSE(other.empty());
  EXPECT_NE(other, who);
}

// The control.
TEST_P(SilentApp, GoesOnIfItDoes) {
  const std::string who = ask();
  give_up_on("who");
  pass(longest_answer);
  EXPECT_EQ(ask(), who) << runner_.error_log();
}

TEST(AppWithoutASocket, IsReplaced) {
  RunnerUnderTest runner({{.kind = ProgramKind::app,
                           .protocol = ProgramProtocol::http,
                           .name = "app",
                           .command = {"/bin/sh", "-c", "exec sleep 1000", "{socket}"},
                           .request = milliseconds(longest_answer)}},
                         {});
  AskingWorker worker = runner.attach();
  worker.acquire();
  EXPECT_TRUE(runner.logs("app does not answer, and is ended"));
  EXPECT_EQ(worker.answer().refusal, NotAcquiredReason::cannot_start);
}

INSTANTIATE_TEST_SUITE_P(GivenOrMakesItsSocket, SilentApp, ::testing::Values("", "{socket}"));

INSTANTIATE_TEST_SUITE_P(GivenOrMakesItsSocket, IdleApp, ::testing::Values("", "{socket}"));

}  // namespace
}  // namespace perchild::test::app_test
