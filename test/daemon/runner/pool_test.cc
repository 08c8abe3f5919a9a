// Pools of processes with one connection each: of php-cgi, which speaks FastCGI, and of a script
// that says which process it is.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "test/daemon/runner/fastcgi_asking.h"
#include "test/daemon/runner/runner_under_test.h"

namespace perchild::test::pool_test {
namespace {

using std::chrono::milliseconds;

// Accepts once, says its number and what it was given; ends with its connection.
constexpr const char* teller = R"(#!/usr/bin/python3
import os, socket, sys
listener = socket.socket(fileno=0)
connection, _ = listener.accept()
connection.sendall(b"%d\n" % os.getpid())
while connection.recv(100): connection.sendall(b"again\n")
)";

ProgramSettings pool_of(const std::string& command, std::uint32_t most = 2) {
  return {.kind = ProgramKind::fastcgi_pool,
          .protocol = ProgramProtocol::fastcgi,
          .name = "pool",
          .command = {command},
          .most_processes = most,
          .idle = milliseconds(60'000)};
}

class PoolOfTellers : public ::testing::Test {
 protected:
  explicit PoolOfTellers(milliseconds idle = milliseconds(60'000)) {
    // The command is a file of the site's, whose place is known before it runs.
    ProgramSettings settings = pool_of("/bin/sh");
    settings.command = {"/bin/sh", "-c", "exec ./teller"};
    settings.idle = idle;
    runner_ = std::make_unique<RunnerUnderTest>(
        std::vector<ProgramSettings>{settings},
        std::vector<std::pair<std::string, std::string>>{{"teller", teller}});
  }
  static std::string line_of(const AskingWorker::Answer& answer) {
    char line[64];
    std::string all;
    while (all.find('\n') == std::string::npos) {
      const ssize_t got = ::recv(answer.connection.get(), line, sizeof line, 0);
      if (got < 0 && errno == EAGAIN) {
        pause_briefly();
        continue;
      }
      if (got <= 0) return "ended";
      all.append(line, static_cast<std::size_t>(got));
    }
    return all;
  }
  static std::string ask(const AskingWorker::Answer& answer) {
    ::send(answer.connection.get(), "x", 1, MSG_NOSIGNAL);
    return line_of(answer);
  }

  std::unique_ptr<RunnerUnderTest> runner_;
};

TEST_F(PoolOfTellers, AProcessIsStartedWhenOneIsAskedForAndGivenAgainWhenItIsKept) {
  EXPECT_EQ(runner_->processes().size(), 1u);
  AskingWorker worker = runner_->attach();
  const std::uint32_t number = worker.acquire();
  const auto first = worker.answer();
  ASSERT_TRUE(first.acquired()) << runner_->error_log();
  EXPECT_EQ(first.number, number);
  EXPECT_NE(line_of(first), "ended");
  EXPECT_EQ(runner_->processes().size(), 2u);
  worker.release(first.instance, true);
  AskingWorker other = runner_->attach();
  other.acquire();
  const auto second = other.answer();
  ASSERT_TRUE(second.acquired());
  EXPECT_NE(second.instance, first.instance);
  EXPECT_EQ(ask(second), "again\n");  // the same connection
  EXPECT_EQ(runner_->processes().size(), 2u);
}

TEST_F(PoolOfTellers, AProcessThatHasServedEnoughForWhateverWorkerIsReplaced) {
  AskingWorker worker = runner_->attach();
  AskingWorker other = runner_->attach();
  worker.acquire();
  const auto first = worker.answer();
  ASSERT_TRUE(first.acquired());
  EXPECT_EQ(first.served, 0u);
  const std::string who = line_of(first);
  worker.release(first.instance, true, 600);
  other.acquire();
  const auto second = other.answer();
  EXPECT_EQ(second.served, 600u);
  EXPECT_EQ(ask(second), "again\n");
  other.release(second.instance, true, 1000);
  worker.acquire();
  const auto third = worker.answer();
  EXPECT_EQ(third.served, 0u);
  EXPECT_NE(line_of(third), who);
}

TEST_F(PoolOfTellers, AProcessThatIsNotKeptIsEndedAndAnotherTakesItsPlace) {
  AskingWorker worker = runner_->attach();
  worker.acquire();
  const auto first = worker.answer();
  const std::string who = line_of(first);
  worker.release(first.instance, false);
  EXPECT_TRUE(eventually([&] { return runner_->processes().size() == 1; }));
  worker.acquire();
  const auto second = worker.answer();
  const std::string other = line_of(second);
  EXPECT_NE(other, "ended");
  EXPECT_NE(other, who);
}

TEST_F(PoolOfTellers, ThereAreNoMoreThanItsMostAndWhoCameFirstIsServedFirst) {
  AskingWorker a = runner_->attach(), b = runner_->attach();
  a.acquire();
  a.acquire();
  const auto first = a.answer(), second = a.answer();
  ASSERT_TRUE(first.acquired() && second.acquired());
  a.acquire();
  EXPECT_TRUE(a.next().is_recall);  // who holds them is asked for what is at rest
  b.acquire();
  EXPECT_EQ(b.answer(200).number, 0u);
  EXPECT_EQ(runner_->processes().size(), 3u);
  a.release(first.instance, true);
  const auto third = a.answer();
  EXPECT_TRUE(third.acquired());
  EXPECT_EQ(b.answer(100).number, 0u);
  a.release(second.instance, false);
  EXPECT_TRUE(b.answer().acquired());
}

TEST_F(PoolOfTellers, WhoHoldsOneIsRecalledAgainForAsLongAsSomebodyWaits) {
  AskingWorker holder = runner_->attach(), waiting = runner_->attach();
  holder.acquire();
  holder.acquire();
  ASSERT_TRUE(holder.answer().acquired());
  const auto held = holder.answer();
  ASSERT_TRUE(held.acquired());
  const std::uint32_t number = waiting.acquire();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(holder.next().is_recall);
  waiting.withdraw(number);
  const auto withdrawn = waiting.answer();
  EXPECT_EQ(withdrawn.number, number);
  EXPECT_EQ(withdrawn.refusal, NotAcquiredReason::withdrawn);
  // Nobody waits any more.
  while (holder.next(300).is_recall) {
  }
  holder.release(held.instance, true);
  EXPECT_EQ(waiting.answer(200).number, 0u);
}

TEST_F(PoolOfTellers, WhatAWorkerHeldEndsWithIt) {
  {
    AskingWorker worker = runner_->attach();
    worker.acquire();
    worker.acquire();
    const auto first = worker.answer(), second = worker.answer();
    ASSERT_TRUE(first.acquired() && second.acquired());
    EXPECT_EQ(runner_->processes().size(), 3u);
  }
  EXPECT_TRUE(eventually([&] { return runner_->processes().size() == 1; }));
}

TEST_F(PoolOfTellers, AnIdleOneThatHasEndedIsGivenToNobody) {
  AskingWorker worker = runner_->attach();
  worker.acquire();
  const auto first = worker.answer();
  const std::string who = line_of(first);
  ::shutdown(first.connection.get(), SHUT_WR);  // it ends
  EXPECT_EQ(line_of(first), "ended");
  worker.release(first.instance, true);
  worker.acquire();
  const auto second = worker.answer();
  EXPECT_NE(line_of(second), "ended");
}

class PoolThatIsIdle : public PoolOfTellers {
 protected:
  PoolThatIsIdle() : PoolOfTellers(milliseconds(100)) {}
};

TEST_F(PoolThatIsIdle, EndsItsProcesses) {
  AskingWorker worker = runner_->attach();
  worker.acquire();
  const auto held = worker.answer();
  ASSERT_TRUE(held.acquired());
  line_of(held);
  EXPECT_EQ(runner_->processes().size(), 2u);
  worker.release(held.instance, true);
  EXPECT_TRUE(eventually([&] { return runner_->processes().size() == 1; }));
}

TEST(PhpPool, RunsScriptsOfTheSite) {
  RunnerUnderTest runner({pool_of("/usr/bin/php-cgi")});
  runner.add_script("index.php",
                    "<?php echo 'sum: ' . (6 * 7) . ' uid: ' . getmyuid(); error_log('heard');",
                    0600);
  AskingWorker worker = runner.attach();
  worker.acquire();
  const auto php = worker.answer();
  ASSERT_TRUE(php.acquired()) << runner.error_log();
  for (int i = 0; i < 3; ++i) {
    const std::string response = fastcgi(php, runner.root() + "/index.php");
    EXPECT_NE(response.find("sum: 42 uid: 20001"), std::string::npos)
        << response << runner.error_log();
  }
  worker.release(php.instance, true);
}

TEST(PhpPool, ThatCannotBeStartedIsSaidToBeSo) {
  RunnerUnderTest runner({pool_of("/usr/bin/no-such-program")});
  AskingWorker worker = runner.attach();
  worker.acquire();
  const auto refused = worker.answer();
  EXPECT_EQ(refused.refusal, NotAcquiredReason::cannot_start);
  EXPECT_TRUE(runner.logs("pool cannot be started: start /usr/bin/no-such-program: No such file"))
      << runner.error_log();
}

}  // namespace
}  // namespace perchild::test::pool_test
