// Applications: one process, many connections.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "test/daemon/runner/runner_under_test.h"

namespace perchild::test::app_test {
namespace {

using std::chrono::milliseconds;

constexpr const char* app = R"(#!/usr/bin/python3
import os, socket, sys
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
    connection.sendall(b"%d" % os.getpid())
    connection.close()
)";

class AppUnderTest : public ::testing::TestWithParam<const char*> {
 protected:
  explicit AppUnderTest(milliseconds idle = milliseconds(60'000))
      : runner_({{.kind = ProgramKind::app,
                  .protocol = ProgramProtocol::http,
                  .name = "app",
                  .command = {"/bin/sh", "-c", std::string("exec ./app ") + GetParam()},
                  .idle = idle}},
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

TEST(DyingApp, IsWaitedForByNobody) {
  RunnerUnderTest runner({{.kind = ProgramKind::app,
                           .protocol = ProgramProtocol::http,
                           .name = "app",
                           .command = {"/bin/sh", "-c", "exit 3"}}},
                         {});
  AskingWorker worker = runner.attach();
  worker.acquire();
  const auto answer = worker.answer();
  ASSERT_TRUE(answer.acquired()) << runner.error_log();
  ::pollfd ended{answer.connection.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
  char byte;
  EXPECT_LE(::recv(answer.connection.get(), &byte, 1, 0), 0);
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

INSTANTIATE_TEST_SUITE_P(GivenOrMakesItsSocket, IdleApp, ::testing::Values("", "{socket}"));

}  // namespace
}  // namespace perchild::test::app_test
