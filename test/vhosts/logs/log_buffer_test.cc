#include "vhosts/logs/log_buffer.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "test/vhosts/files/scratch.h"
#include "test/vhosts/logs/lines.h"

namespace perchild::logs::log_buffer_test {
namespace {

using perchild::test::holds_in_child;
using perchild::test::lines_of;
using perchild::test::Scratch;

constexpr int append_flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;

bool put(LogBuffer& buffer, std::string_view text) {
  const std::span<char> memory = buffer.reserve(text.size() + 1);
  if (memory.empty()) return false;
  std::memcpy(memory.data(), text.data(), text.size());
  memory[text.size()] = '\n';
  buffer.commit(text.size() + 1);
  return true;
}

// "17 xxxx...", 100 bytes with the '\n'.
std::string numbered(int number) {
  std::string line = std::to_string(number) + " ";
  line.resize(99, 'x');
  return line;
}

class LogBufferTest : public ::testing::Test {
 protected:
  LogBufferTest() : file_(::open(scratch_.path("log").c_str(), append_flags, 0644)) {}

  // The same descriptor leads to another file from here on.
  void lead_to(const char* path) const {
    const UniqueFd other(::open(path, append_flags, 0644));
    ASSERT_TRUE(other.has_value());
    ASSERT_GE(::dup3(other.get(), file_.get(), O_CLOEXEC), 0);
  }

  Scratch scratch_;
  UniqueFd file_;
};

TEST_F(LogBufferTest, FirstLineOfARushIsWrittenAtOnceAndTheRestTogether) {
  LogBuffer buffer(file_.borrow());
  const Clock::time_point begin{std::chrono::hours(1)};
  EXPECT_EQ(buffer.flush_due(begin), std::nullopt);
  EXPECT_TRUE(put(buffer, "one"));
  buffer.flush_at_rate(begin);
  EXPECT_EQ(scratch_.read("log"), "one\n");
  EXPECT_EQ(buffer.flush_due(begin), std::nullopt);

  EXPECT_TRUE(put(buffer, "two"));
  buffer.flush_at_rate(begin + LogBuffer::flush_interval / 2);
  EXPECT_TRUE(put(buffer, "three"));
  EXPECT_EQ(scratch_.read("log"), "one\n");
  EXPECT_EQ(buffer.flush_due(begin), begin + LogBuffer::flush_interval);
  buffer.flush_at_rate(begin + LogBuffer::flush_interval);
  EXPECT_EQ(scratch_.read("log"), "one\ntwo\nthree\n");
}

TEST_F(LogBufferTest, ALogThatCannotBeWrittenIsTriedAgainASecondLater) {
  LogBuffer buffer(file_.borrow());
  lead_to("/dev/full");
  Clock::time_point now{std::chrono::hours(1)};
  EXPECT_TRUE(put(buffer, "one"));
  EXPECT_LT(buffer.flush_due(now), now);
  buffer.flush_at_rate(now);
  EXPECT_EQ(buffer.flush_due(now), now + LogBuffer::retry_interval);
  ASSERT_NO_FATAL_FAILURE(lead_to(scratch_.path("log").c_str()));
  now += LogBuffer::retry_interval;
  buffer.flush_at_rate(now);
  EXPECT_EQ(scratch_.read("log"), "one\n");
  EXPECT_EQ(buffer.flush_due(now), std::nullopt);
}

TEST_F(LogBufferTest, LinesWaitForTheFlushAndThenComeInOrder) {
  LogBuffer buffer(file_.borrow());
  EXPECT_TRUE(put(buffer, "one"));
  EXPECT_TRUE(put(buffer, "two"));
  EXPECT_EQ(scratch_.read("log"), "");
  buffer.flush();
  EXPECT_EQ(scratch_.read("log"), "one\ntwo\n");
  EXPECT_TRUE(buffer.empty());
  buffer.flush();
  EXPECT_EQ(scratch_.read("log"), "one\ntwo\n");
}

TEST_F(LogBufferTest, ManyLinesInOneTurnAreWrittenOnTheWay) {
  LogBuffer buffer(file_.borrow());
  for (int i = 0; i < 2'000; ++i) ASSERT_TRUE(put(buffer, numbered(i)));
  EXPECT_GE(scratch_.read("log").size(), 200'000U - LogBuffer::capacity);
  buffer.flush();
  const auto lines = lines_of(scratch_.read("log"));
  ASSERT_EQ(lines.size(), 2'000U);
  for (int i = 0; i < 2'000; ++i) ASSERT_EQ(lines[static_cast<std::size_t>(i)], numbered(i));
  EXPECT_EQ(buffer.take_lost(), 0U);
}

TEST_F(LogBufferTest, ANewFileGetsWhatTheOldOneCouldNotTake) {
  ASSERT_NO_FATAL_FAILURE(lead_to("/dev/full"));
  LogBuffer buffer(file_.borrow());
  put(buffer, "one");
  buffer.flush();
  ASSERT_NO_FATAL_FAILURE(lead_to(scratch_.path("new").c_str()));
  buffer.begin_new_file();
  put(buffer, "two");
  buffer.flush();
  EXPECT_EQ(scratch_.read("new"), "one\ntwo\n");
  EXPECT_EQ(buffer.take_lost(), 0U);
}

TEST_F(LogBufferTest, ANewFileBeginsWithAWholeLine) {
  // The old one takes a part of the second line.
  EXPECT_TRUE(holds_in_child([&] {
    const ::rlimit limit{6, 6};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    std::signal(SIGXFSZ, SIG_IGN);
    LogBuffer buffer(file_.borrow());
    for (const char* line : {"one", "two", "three"}) put(buffer, line);
    buffer.flush();
    const UniqueFd other(::open(scratch_.path("new").c_str(), append_flags, 0644));
    if (::dup3(other.get(), file_.get(), O_CLOEXEC) < 0) return false;
    buffer.begin_new_file();
    buffer.flush();
    return buffer.take_lost() == 1;
  }));
  EXPECT_EQ(scratch_.read("log"), "one\ntw");
  EXPECT_EQ(scratch_.read("new"), "three\n");
}

TEST_F(LogBufferTest, FullDiskLosesWholeLinesAndCountsThem) {
  ASSERT_NO_FATAL_FAILURE(lead_to("/dev/full"));
  LogBuffer buffer(file_.borrow());
  constexpr int written = 3'000;
  int kept = 0;
  for (int i = 0; i < written; ++i) {
    if (put(buffer, numbered(i))) ++kept;
    if (i % 10 == 0) buffer.flush();
  }
  EXPECT_EQ(kept, static_cast<int>(LogBuffer::capacity / 100));
  EXPECT_EQ(buffer.take_lost(), 0U) << "not before it has recovered";

  ASSERT_NO_FATAL_FAILURE(lead_to(scratch_.path("log").c_str()));
  buffer.flush();
  EXPECT_EQ(buffer.take_lost(), static_cast<std::uint64_t>(written - kept));
  EXPECT_EQ(buffer.take_lost(), 0U);
  const auto lines = lines_of(scratch_.read("log"));
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(kept));
  for (int i = 0; i < kept; ++i) ASSERT_EQ(lines[static_cast<std::size_t>(i)], numbered(i));
}

TEST_F(LogBufferTest, AFileThatIsAsLargeAsItMayBeIsWrittenToWhenItIsRotated) {
  LogBuffer buffer(file_.borrow(), 150);
  for (int i = 0; i < 2; ++i) {
    put(buffer, numbered(i));
    EXPECT_FALSE(buffer.take_full());
    buffer.flush();
  }
  EXPECT_EQ(lines_of(scratch_.read("log")).size(), 2U);
  for (int i = 2; i < 1'000; ++i) put(buffer, numbered(i));
  buffer.flush();
  EXPECT_TRUE(buffer.take_full());
  EXPECT_FALSE(buffer.take_full()) << "said once";
  EXPECT_EQ(buffer.take_lost(), 0U);
  EXPECT_EQ(lines_of(scratch_.read("log")).size(), 2U);

  ASSERT_NO_FATAL_FAILURE(lead_to(scratch_.path("new").c_str()));
  buffer.begin_new_file();
  buffer.flush();
  const auto lines = lines_of(scratch_.read("new"));
  ASSERT_EQ(lines.size(), LogBuffer::capacity / 100);
  EXPECT_EQ(lines.front(), numbered(2));
  EXPECT_EQ(buffer.take_lost(), 998 - lines.size());
  put(buffer, "more");
  buffer.flush();
  EXPECT_TRUE(buffer.take_full()) << "once for each file";
}

// What another process has written counts too.
TEST_F(LogBufferTest, AFileIsFullByWhoeverHasWrittenIt) {
  LogBuffer buffer(file_.borrow(), 150);
  const std::string other(150, 'o');
  ASSERT_EQ(::write(file_.get(), other.data(), other.size()), 150);
  put(buffer, "one");
  buffer.flush();
  EXPECT_TRUE(buffer.take_full());
  ASSERT_EQ(::truncate(scratch_.path("log").c_str(), 0), 0);
  buffer.flush();
  EXPECT_EQ(scratch_.read("log"), "one\n");
  EXPECT_EQ(buffer.take_lost(), 0U);
}

TEST_F(LogBufferTest, WhileTheDiskIsFullThereIsOneAttemptATurn) {
  LogBuffer buffer(file_.borrow());
  ASSERT_NO_FATAL_FAILURE(lead_to("/dev/full"));
  for (int i = 0; i < 400; ++i) put(buffer, numbered(i));
  // A line that is put while the file would take it again does not try.
  ASSERT_NO_FATAL_FAILURE(lead_to(scratch_.path("log").c_str()));
  put(buffer, numbered(400));
  EXPECT_EQ(scratch_.read("log"), "");
  buffer.flush();
  EXPECT_EQ(lines_of(scratch_.read("log")).size(), 401U);
}

// As on a disk that fills up: the kernel takes the first part of a line.
TEST_F(LogBufferTest, LineThatWasTornIsCompletedWhenThereIsRoomAgain) {
  EXPECT_TRUE(holds_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    LogBuffer buffer(file_.borrow());
    ::rlimit limit{1'234, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    for (int i = 0; i < 20; ++i) put(buffer, numbered(i));
    buffer.flush();
    EXPECT_EQ(scratch_.read("log").size(), 1'234U);
    put(buffer, numbered(20));
    buffer.flush();
    EXPECT_EQ(scratch_.read("log").size(), 1'234U);

    limit.rlim_cur = RLIM_INFINITY;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    buffer.flush();
    const auto lines = lines_of(scratch_.read("log"));
    EXPECT_EQ(lines.size(), 21U);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i], numbered(static_cast<int>(i)));
    }
    EXPECT_EQ(buffer.take_lost(), 0U);
    return true;
  }));
}

TEST_F(LogBufferTest, PipeThatNobodyEmptiesStopsNothingAndTearsNoLine) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  LogBuffer buffer(in.borrow());
  std::string received;
  const auto drain = [&] {
    std::array<char, 7'777> part;
    for (::ssize_t got = 0; (got = ::read(out.get(), part.data(), part.size())) > 0;) {
      received.append(part.data(), static_cast<std::size_t>(got));
    }
  };
  std::uint64_t refused = 0;
  for (int i = 0; i < 5'000; ++i) {
    if (!put(buffer, numbered(i))) ++refused;
    if (i % 3 == 0) buffer.flush();
    if (i % 2'000 == 1'999) drain();
  }
  while (!buffer.empty()) {
    buffer.flush();
    drain();
  }
  const auto lines = lines_of(received);
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(lines.size(), 5'000U - refused);
  for (const std::string& line : lines) ASSERT_EQ(line, numbered(std::atoi(line.c_str())));
  EXPECT_EQ(buffer.take_lost(), refused);
}

TEST_F(LogBufferTest, LinesOfSeveralWorkersStayWhole) {
  constexpr int workers = 4;
  constexpr int each = 2'000;
  std::vector<::pid_t> children;
  for (int worker = 0; worker < workers; ++worker) {
    const ::pid_t child = ::fork();
    if (child == 0) {
      LogBuffer buffer(file_.borrow());
      for (int i = 0; i < each; ++i) {
        put(buffer, numbered(worker * each + i));
        if (i % 7 == 0) buffer.flush();
      }
      buffer.flush();
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const ::pid_t child : children) ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const auto lines = lines_of(scratch_.read("log"));
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(workers * each));
  for (const std::string& line : lines) ASSERT_EQ(line, numbered(std::atoi(line.c_str())));
}

}  // namespace
}  // namespace perchild::logs::log_buffer_test
