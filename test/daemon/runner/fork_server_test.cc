// Pools whose program is loaded once and then forked.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <set>

#include "test/daemon/runner/fastcgi_asking.h"
#include "test/daemon/runner/runner_under_test.h"
#include "test/support/matches.h"

namespace perchild::test::fork_server_test {
namespace {

using std::chrono::milliseconds;

// Says which process it is, and which was there when it was loaded; ends with its connection.
constexpr const char* teller = R"(#!/usr/bin/python3
import os, socket, sys, threading, time
loaded = os.getpid()
if "threads" in sys.argv:
  threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
listener = socket.socket(fileno=0)
while True:
  connection, _ = listener.accept()
  connection.sendall(b"%d of %d\n" % (os.getpid(), loaded))
  while connection.recv(100): print("was asked", file=sys.stderr, flush=True)
)";

ProgramSettings pool_of(std::vector<std::string> command, std::uint32_t most = 3) {
  return {.kind = ProgramKind::fastcgi_pool,
          .protocol = ProgramProtocol::fastcgi,
          .name = "pool",
          .command = std::move(command),
          .forks = true,
          .most_processes = most,
          .idle = milliseconds(60'000)};
}

struct Told {
  int pid = 0, loaded = 0;
};

Told told_by(const AskingWorker::Answer& answer) {
  std::string line;
  EXPECT_TRUE(eventually([&] {
    char byte;
    while (::recv(answer.connection.get(), &byte, 1, MSG_DONTWAIT) == 1) line += byte;
    return line.ends_with('\n');
  }));
  Told told;
  std::sscanf(line.c_str(), "%d of %d", &told.pid, &told.loaded);
  return told;
}

class ForkedPool : public ::testing::Test {
 protected:
  explicit ForkedPool(const std::string& how = {}, milliseconds idle = milliseconds(60'000)) {
    ProgramSettings settings = pool_of({"/bin/sh", "-c", "exec ./teller " + how});
    settings.idle = idle;
    runner_ = std::make_unique<RunnerUnderTest>(
        std::vector<ProgramSettings>{settings},
        std::vector<std::pair<std::string, std::string>>{{"teller", teller}});
    worker_.emplace(runner_->attach());
  }
  AskingWorker::Answer acquire() {
    worker_->acquire();
    return worker_->answer();
  }
  bool has_processes(std::size_t count) {
    return eventually([&] { return runner_->processes().size() == count + 1; });
  }
  // By the machine's number; 0: there is none.
  ::pid_t server() {
    ::pid_t found = 0;
    eventually([&] {
      for (const ::pid_t pid : runner_->processes()) {
        if (read_file("/proc/" + std::to_string(pid) + "/comm") == "perchild-fork\n") found = pid;
      }
      return found != 0;
    });
    return found;
  }

  std::unique_ptr<RunnerUnderTest> runner_;
  std::optional<AskingWorker> worker_;
};

TEST_F(ForkedPool, IsLoadedOnceAndItsProcessesAreTheRunnersOwn) {
  const auto first = acquire();
  const Told one = told_by(first);
  EXPECT_NE(one.pid, one.loaded);
  const auto second = acquire();
  const Told other = told_by(second);
  EXPECT_NE(other.pid, one.pid);
  EXPECT_EQ(other.loaded, one.loaded);
  EXPECT_TRUE(has_processes(3));
  const std::string child = "\nPPid:\t" + std::to_string(runner_->pid()) + "\n";
  for (const ::pid_t pid : runner_->processes()) {
    if (pid == runner_->pid()) continue;
    EXPECT_TRUE(eventually([&] {
      return read_file("/proc/" + std::to_string(pid) + "/status").find(child) != std::string::npos;
    }));
  }
}

TEST_F(ForkedPool, WhoAsksWhileItIsLoadedIsServedByThatToo) {
  for (int i = 0; i < 3; ++i) worker_->acquire();
  std::set<int> loaded, pids;
  std::vector<AskingWorker::Answer> answers;
  for (int i = 0; i < 3; ++i) {
    answers.push_back(worker_->answer());
    ASSERT_TRUE(answers.back().acquired());
    const Told told = told_by(answers.back());
    loaded.insert(told.loaded);
    pids.insert(told.pid);
  }
  EXPECT_EQ(loaded.size(), 1u);
  EXPECT_EQ(pids.size(), 3u);
  worker_->acquire();  // no more than its most
  EXPECT_TRUE(worker_->next().is_recall);
  EXPECT_TRUE(has_processes(4));
}

TEST_F(ForkedPool, AProcessEndsAloneAndAnotherTakesItsPlace) {
  const auto first = acquire();
  const auto second = acquire();
  const Told one = told_by(first), stays = told_by(second);
  worker_->release(first.instance, false);
  EXPECT_TRUE(has_processes(2));
  const auto third = acquire();
  const Told other = told_by(third);
  EXPECT_EQ(other.loaded, one.loaded);
  EXPECT_NE(other.pid, one.pid);
  EXPECT_NE(other.pid, stays.pid);
}

TEST_F(ForkedPool, WithoutItsServerGoesOnAndLoadsAnother) {
  const auto first = acquire();
  const Told one = told_by(first);
  ASSERT_NE(server(), 0);
  ASSERT_EQ(::kill(server(), SIGKILL), 0);
  EXPECT_TRUE(has_processes(1));
  worker_->release(first.instance, true);
  const auto again = acquire();  // the same
  const auto second = acquire();
  const Told other = told_by(second);
  EXPECT_NE(other.loaded, one.loaded);
  EXPECT_NE(other.pid, other.loaded);
  EXPECT_TRUE(has_processes(3));
}

TEST_F(ForkedPool, WhatItsFirstProcessSaysIsLoggedWithoutItsServer) {
  const auto first = acquire();
  told_by(first);
  ::kill(server(), SIGKILL);
  ASSERT_TRUE(has_processes(1));
  EXPECT_EQ(::send(first.connection.get(), "?", 1, 0), 1);
  EXPECT_TRUE(eventually([&] { return contains(runner_->error_log(), "was asked"); }))
      << runner_->error_log();
}

TEST_F(ForkedPool, WhoseFirstVisitorLeavesWhileItIsLoadedIsThereForTheSecond) {
  const auto first = acquire();
  worker_->release(first.instance, false);
  const auto second = acquire();
  ASSERT_TRUE(second.acquired());
  EXPECT_NE(told_by(second).pid, 0);
  EXPECT_TRUE(has_processes(2));
}

class IdleForkedPool : public ForkedPool {
 protected:
  IdleForkedPool() : ForkedPool({}, milliseconds(100)) {}
};

TEST_F(IdleForkedPool, HasNoProcess) {
  const auto held = acquire();
  EXPECT_NE(told_by(held).pid, 0);
  EXPECT_TRUE(has_processes(2));
  worker_->release(held.instance, true);
  EXPECT_TRUE(has_processes(0));
  const auto again = acquire();
  EXPECT_NE(told_by(again).pid, 0);
}

class ThreadedPool : public ForkedPool {
 protected:
  ThreadedPool() : ForkedPool("threads") {}
};

TEST_F(ThreadedPool, IsNotForked) {
  for (int i = 0; i < 2; ++i) worker_->acquire();
  const auto first = worker_->answer(), second = worker_->answer();
  const Told one = told_by(first), other = told_by(second);
  EXPECT_EQ(one.pid, one.loaded);
  EXPECT_EQ(other.pid, other.loaded);
  EXPECT_NE(one.pid, other.pid);
  EXPECT_TRUE(has_processes(2));
}

// Has a program of its own in the place of the fork server, which says what it likes.
class LyingForkServer : public ::testing::Test {
 protected:
  static constexpr const char* begin = R"(#!/usr/bin/python3
import os, socket, struct, time
control = socket.socket(fileno=int(os.environ["PERCHILD_FORK_SERVER"]))
def report(number, pid): control.send(struct.pack("Iii", number, pid, 0))
)";
  explicit LyingForkServer(const std::string& lie)
      : runner_({pool_of({"/bin/sh", "-c", "exec ./liar"}, 1)}, {{"liar", begin + lie}}),
        worker_(runner_.attach()) {}
  bool acquires() {
    worker_.acquire();
    return worker_.answer().acquired();
  }

  RunnerUnderTest runner_;
  AskingWorker worker_;
};

class ForkServerWithAChildOfItsOwn : public LyingForkServer {
 protected:
  ForkServerWithAChildOfItsOwn()
      : LyingForkServer(R"(
ready, said = os.pipe()
child = os.fork()
if child == 0:
  os.setsid()
  os.write(said, b"x")
  time.sleep(1000)
os.read(ready, 1)
report(0, child)
time.sleep(1000)
)") {}
};

// Nobody would hear of its end.
TEST_F(ForkServerWithAChildOfItsOwn, HasNoPlaceInThePoolForIt) {
  ASSERT_TRUE(acquires());
  EXPECT_TRUE(eventually([&] { return runner_.logs("no process of its own"); }))
      << runner_.error_log();
  EXPECT_TRUE(acquires());
}

class ForkServerThatGoesOnReporting : public LyingForkServer {
 protected:
  ForkServerThatGoesOnReporting()
      : LyingForkServer(R"(
ready, said = os.pipe()
if os.fork() == 0:
  if os.fork() == 0:
    os.setsid()
    while os.getppid() != 1: time.sleep(0.001)
    os.write(said, struct.pack("i", os.getpid()))
    time.sleep(1000)
  os._exit(0)
os.wait()
report(0, struct.unpack("i", os.read(ready, 4))[0])
while True: report(1, 0)
)") {}
};

TEST_F(ForkServerThatGoesOnReporting, IsNotHeardOut) {
  ASSERT_TRUE(acquires());
  const auto has_ended = [&] {
    const auto left = runner_.processes();
    return std::count_if(left.begin(), left.end(), [](::pid_t pid) {
             return read_file("/proc/" + std::to_string(pid) + "/comm") == "liar\n";
           }) == 1;
  };
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 2 && has_ended(); }));
}

class ForkedPhp : public ::testing::Test {
 protected:
  explicit ForkedPhp(std::vector<std::string> before = {},
                     milliseconds longest = milliseconds(60'000))
      : runner_({settings_of(std::move(before), longest)}), worker_(runner_.attach()) {}
  static ProgramSettings settings_of(std::vector<std::string> command, milliseconds longest) {
    for (const char* word : {"/usr/bin/php-cgi", "-d", "opcache.file_update_protection=0"}) {
      command.emplace_back(word);
    }
    ProgramSettings settings = pool_of(std::move(command));
    settings.request = longest;
    return settings;
  }
  AskingWorker::Answer acquire() {
    worker_.acquire();
    return worker_.answer();
  }
  std::string ask(const AskingWorker::Answer& answer, const std::string& script) {
    return fastcgi(answer, runner_.root() + "/" + script);
  }

  RunnerUnderTest runner_;
  AskingWorker worker_;
};

TEST_F(ForkedPhp, SharesItsCacheOfScripts) {
  runner_.add_script("a.php", "<?php echo 'of a';", 0600);
  runner_.add_script(
      "b.php", "<?php echo opcache_is_script_cached(__DIR__ . '/a.php') ? 'shared' : 'not';", 0600);
  const auto first = acquire(), second = acquire();
  EXPECT_NE(ask(second, "b.php").find("not"), std::string::npos) << runner_.error_log();
  EXPECT_NE(ask(first, "a.php").find("of a"), std::string::npos);
  EXPECT_NE(ask(second, "b.php").find("shared"), std::string::npos);
}

TEST_F(ForkedPhp, TellsItsScriptsAndTheirProgramsNothingOfIt) {
  runner_.add_script("env.php", "<?php echo shell_exec('env'), getenv('LD_PRELOAD');", 0600);
  const std::string all = ask(acquire(), "env.php");
  EXPECT_NE(all.find("PATH="), std::string::npos) << all << runner_.error_log();
  EXPECT_EQ(all.find("LD_PRELOAD"), std::string::npos) << all;
  EXPECT_EQ(all.find("PERCHILD_FORK"), std::string::npos) << all;
  EXPECT_EQ(all.find("fork-server"), std::string::npos) << all;
}

constexpr const char* goes_on =
    "<?php ignore_user_abort(true); touch('begun'); while (!file_exists('go')) { clearstatcache();"
    "usleep(5000); } touch('done');";

TEST_F(ForkedPhp, FinishesForNobodyAndEnds) {
  runner_.add_script("goes-on.php", goes_on, 0600);
  auto php = acquire();
  send_request(php, runner_.root() + "/goes-on.php");
  const auto exists = [&](const char* name) {
    return std::ifstream(runner_.root() + "/" + name).is_open();
  };
  ASSERT_TRUE(eventually([&] { return exists("begun"); })) << runner_.error_log();
  php.connection.reset();
  worker_.let_finish(php.instance);
  runner_.add_script("go", "", 0600);
  EXPECT_TRUE(eventually([&] { return exists("done"); })) << runner_.error_log();
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 2; }));
}

class ForkedPhpWithLittleTime : public ForkedPhp {
 protected:
  ForkedPhpWithLittleTime() : ForkedPhp({}, milliseconds(300)) {}
};

TEST_F(ForkedPhpWithLittleTime, DoesNotGoOnForEver) {
  runner_.add_script("goes-on.php", goes_on, 0600);
  const auto php = acquire();
  send_request(php, runner_.root() + "/goes-on.php");
  ASSERT_TRUE(eventually([&] { return std::ifstream(runner_.root() + "/begun").is_open(); }));
  // The process by which it was forked may take longer to end.
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 3; }));
  worker_.let_finish(php.instance);
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 2; }));
}

// A wrapper that cleans the environment, as an owner may have one.
class PhpThatCannotBeForked : public ForkedPhp {
 protected:
  PhpThatCannotBeForked() : ForkedPhp({"/usr/bin/env", "-i"}) {}
};

TEST_F(PhpThatCannotBeForked, IsStartedForEach) {
  runner_.add_script("a.php", "<?php echo 'of a';", 0600);
  const auto first = acquire();
  EXPECT_NE(ask(first, "a.php").find("of a"), std::string::npos) << runner_.error_log();
  worker_.release(first.instance, true);
  const auto again = acquire(), second = acquire();
  EXPECT_NE(ask(again, "a.php").find("of a"), std::string::npos);
  EXPECT_NE(ask(second, "a.php").find("of a"), std::string::npos);
  EXPECT_EQ(runner_.processes().size(), 3u);
}

}  // namespace
}  // namespace perchild::test::fork_server_test
