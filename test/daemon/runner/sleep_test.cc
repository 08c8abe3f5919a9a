// What a runner does when its site sleeps: it ends all that programs have begun, and itself, and
// leaves sessions of PHP for its successor.
#include <gtest/gtest.h>
#include <unistd.h>

#include "privsep/shared_memory.h"
#include "test/daemon/runner/runner_under_test.h"
#include "vhosts/sites/php_sessions.h"

namespace perchild::test::sleep_test {
namespace {

class Sleep : public ::testing::Test {
 protected:
  static std::vector<ProgramSettings> programs() {
    auto all = script_programs();
    all[0].session = std::chrono::minutes(24);
    return all;
  }
  void put_to_sleep(RunnerUnderTest& runner) const {
    static_cast<void>(runner.master().send(KeepSessions{0}, memory_.borrow()));
    EXPECT_TRUE(eventually([&] { return !runner.runs(); }));
  }
  // By their names.
  std::map<std::string, std::string> kept() const {
    std::string packed(session_memory, '\0');
    EXPECT_EQ(::pread(memory_.get(), packed.data(), packed.size(), 0),
              static_cast<ssize_t>(packed.size()));
    std::map<std::string, std::string> all;
    const auto sessions = PhpSessions::unpack(packed);
    for (const PhpSession& each : sessions.value().all) all[each.name] = each.data;
    return all;
  }
  void hand_on(RunnerUnderTest& runner) const {
    static_cast<void>(runner.master().send(TakeSessions{0}, memory_.borrow()));
  }

  const UniqueFd memory_ = make_shared_memory("sessions", session_memory).value();
};

TEST_F(Sleep, EndsAllThatHasBegunAndASessionIsFoundAgain) {
  using Sessions = std::map<std::string, std::string>;
  {
    RunnerUnderTest runner(programs());
    // One that has left its script's session, before which it does not end.
    EXPECT_EQ(runner.output_of(R"(echo n=1 > /tmp/sess_a; touch -d '-20 minutes' /tmp/sess_a
      mkfifo /tmp/up; (setsid sh -c 'echo up > /tmp/up; exec sleep 1000' > /dev/null 2>&1 &)
      cat /tmp/up)"),
              "up\n");
    const auto running = runner.processes();
    EXPECT_GE(running.size(), 2U);
    put_to_sleep(runner);
    for (const ::pid_t pid : running) {
      EXPECT_TRUE(pid == runner.pid() || ::kill(pid, 0) != 0) << pid;
    }
    EXPECT_EQ(kept(), (Sessions{{"sess_a", "n=1\n"}}));
    EXPECT_EQ(runner.error_log(), "");
  }
  RunnerUnderTest successor(programs());
  hand_on(successor);
  EXPECT_EQ(successor.output_of("cat /tmp/sess_a; stat -c '%u %a' /tmp/sess_a;"
                                "find /tmp -name 'sess_*' -mmin +19 -mmin -21"),
            "n=1\n20001 600\n/tmp/sess_a\n");
}

TEST_F(Sleep, KeepsWhatIsASessionInUseAndNothingElse) {
  RunnerUnderTest runner(programs());
  EXPECT_EQ(runner.output_of("mkfifo /tmp/sess_a; ln -s sess_z /tmp/sess_b; mkdir /tmp/sess_c;"
                             "echo n=1 > /tmp/sess_c/sess_d; ln -s /etc/passwd /tmp/sess_e;"
                             ": > /tmp/sess_f; echo n=1 > /tmp/other; echo n=1 > /var/tmp/sess_g;"
                             "echo n=1 > /tmp/sess_h; touch -d '-25 minutes' /tmp/sess_h;"
                             "echo n=1 > /tmp/sess_i; chmod 0 /tmp/sess_i"),
            "");
  put_to_sleep(runner);
  struct ::stat status {};
  ASSERT_EQ(::fstat(memory_.get(), &status), 0);
  EXPECT_EQ(status.st_blocks, 0);
}

TEST_F(Sleep, KeepsThoseThatWereUsedLast) {
  RunnerUnderTest runner(programs());
  EXPECT_EQ(runner.output_of("for i in 1 2 3 4; do head -c 400000 /dev/zero > /tmp/sess_$i;"
                             "touch -d \"-$i minutes\" /tmp/sess_$i; done;"
                             "head -c 2000000 /dev/zero > /tmp/sess_5"),
            "");
  put_to_sleep(runner);
  const auto all = kept();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all.at("sess_1").size() + all.at("sess_2").size(), 800'000U);
}

TEST_F(Sleep, NothingIsReplacedByWhatIsHandedOn) {
  const std::string packed = PhpSessions{{{"sess_a", 1, "old"}}}.pack(session_memory);
  ASSERT_EQ(::pwrite(memory_.get(), packed.data(), packed.size(), 0),
            static_cast<ssize_t>(packed.size()));
  RunnerUnderTest runner(programs());
  EXPECT_EQ(runner.output_of("echo other > /tmp/other; ln -s other /tmp/sess_a"), "");
  hand_on(runner);
  EXPECT_EQ(runner.output_of("cat /tmp/sess_a"), "other\n");
}

TEST_F(Sleep, WhatIsNoSessionIsNotTaken) {
  for (const std::string& garbage :
       {std::string(session_memory, '\xff'), std::string("\1\0\0\0x", 5),
        PhpSessions{{{"sess_a", 1, "n"}, {"sess_/../x", 1, "n"}}}.pack(session_memory)}) {
    ASSERT_EQ(::pwrite(memory_.get(), garbage.data(), garbage.size(), 0),
              static_cast<ssize_t>(garbage.size()));
    RunnerUnderTest runner(programs());
    hand_on(runner);
    EXPECT_EQ(runner.output_of("ls /tmp | grep -v perchild-test"), "");
  }
}

}  // namespace
}  // namespace perchild::test::sleep_test
