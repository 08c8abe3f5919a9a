#include "vhosts/logs/error_log.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <vector>

#include "test/vhosts/files/scratch.h"
#include "test/vhosts/logs/lines.h"

namespace perchild::logs::error_log_test {
namespace {

using perchild::test::lines_of;

constexpr ::time_t now = 1'795'489'200;

class ErrorLogTest : public ::testing::Test {
 protected:
  ErrorLogTest()
      : file_(::open(scratch_.path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                     0644)) {}

  // Everything so far, without the times.
  std::vector<std::string> lines() {
    log_.flush();
    auto lines = lines_of(scratch_.read("log"));
    for (std::string& line : lines) line.erase(0, line.find("] ") + 2);
    return lines;
  }
  void add(int count) {
    for (int i = 0; i < count; ++i) log_.add({.message = "m"});
  }

  perchild::test::Scratch scratch_;
  UniqueFd file_;
  LogClock clock_{now};
  ErrorLog log_{file_.borrow(), clock_, 5};
};

TEST_F(ErrorLogTest, LineSaysWhenHowBadWhoWhatAndWhy) {
  log_.add({.client = "192.0.2.1:5678",
            .method = "GET",
            .target = "/x",
            .message = "cannot open",
            .error = EACCES});
  log_.flush();
  EXPECT_EQ(scratch_.read("log"), "[" + std::string(clock_.iso()) +
                                      "] [error] client 192.0.2.1:5678: GET /x: cannot open: "
                                      "Permission denied\n");
}

TEST_F(ErrorLogTest, WhatWasLeftOutIsSaidThoughNobodyComes) {
  const Clock::time_point turn{std::chrono::hours(1)};
  EXPECT_EQ(log_.flush_due(turn), std::nullopt);
  add(6);
  log_.flush();
  EXPECT_EQ(log_.flush_due(turn), turn + std::chrono::seconds(1));
  clock_.update(now + 1);
  EXPECT_EQ(lines().back(), "[notice] lines left out, too many within a second: 1");
  EXPECT_EQ(log_.flush_due(turn), std::nullopt);
}

TEST_F(ErrorLogTest, WhatIsAbsentIsLeftOut) {
  log_.add({.severity = Severity::warning, .message = "low on descriptors"});
  log_.add({.severity = Severity::notice, .target = "rubbish", .message = "bad request"});
  log_.add({.message = "cannot read", .subject = "a b", .error = 99'999});
  EXPECT_EQ(lines(), (std::vector<std::string>{"[warning] low on descriptors",
                                               "[notice] rubbish: bad request",
                                               "[error] cannot read a b: error 99999"}));
}

TEST_F(ErrorLogTest, ClientCannotForgeALine) {
  log_.add({.client = "x\n", .method = "\x1b[", .target = "/\n[", .message = "m", .subject = "\""});
  EXPECT_EQ(lines(), (std::vector<std::string>{R"([error] client x\x0A: \x1B[ /\x0A[: m ")"}));
}

TEST_F(ErrorLogTest, EveryFieldHasItsBound) {
  const std::string endless(50'000, '\n');
  log_.add({.client = endless,
            .method = endless,
            .target = endless,
            .message = endless,
            .subject = endless,
            .error = EACCES});
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_LT(lines().front().size(), ErrorLog::longest_line);
  EXPECT_TRUE(lines().front().ends_with("\\...: Permission denied"));
}

TEST_F(ErrorLogTest, LinesOfASecondAreBoundedAndTheRestCounted) {
  add(100);
  EXPECT_EQ(lines().size(), 5U);
  clock_.update(now + 1);
  add(3);
  const auto all = lines();
  ASSERT_EQ(all.size(), 9U);
  EXPECT_EQ(all[5], "[notice] lines left out, too many within a second: 95");
  EXPECT_EQ(all[6], "[error] m");
}

TEST_F(ErrorLogTest, WhatWasLeftOutIsSaidEvenIfNothingFollows) {
  add(6);
  EXPECT_EQ(lines().size(), 5U);
  clock_.update(now + 3);
  const auto all = lines();
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all.back(), "[notice] lines left out, too many within a second: 1");
  EXPECT_EQ(lines().size(), 6U);
}

TEST_F(ErrorLogTest, LinesWithinTheRateAreAllThere) {
  for (int second = 0; second < 10; ++second) {
    clock_.update(now + second);
    add(5);
  }
  EXPECT_EQ(lines().size(), 50U);
}

TEST_F(ErrorLogTest, LossesOfTheAccessLogAreSaidWhateverTheRate) {
  add(6);
  log_.add_lost_lines("access log", 12);
  EXPECT_EQ(lines().back(),
            "[error] lines of the access log lost while it could not be written: 12");
}

TEST_F(ErrorLogTest, OwnLossesAreSaidOnceItCanBeWrittenAgain) {
  ErrorLog log(file_.borrow(), clock_, 1'000'000);
  const UniqueFd file(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_GE(::dup3(full.get(), file_.get(), O_CLOEXEC), 0);
  const std::string target(1'000, 'a');
  for (int i = 0; i < 200; ++i) log.add({.target = target, .message = "m"});
  log.flush();
  ASSERT_GE(::dup3(file.get(), file_.get(), O_CLOEXEC), 0);
  log.flush();
  const auto all = lines();
  ASSERT_GT(all.size(), 10U);
  const std::size_t lost = 200 - (all.size() - 1);
  EXPECT_EQ(all.back(), "[error] lines of the error log lost while it could not be written: " +
                            std::to_string(lost));
}

}  // namespace
}  // namespace perchild::logs::error_log_test
