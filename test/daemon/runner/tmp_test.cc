// A folder of the site's own that is /tmp of its programs: what they see, and what is refused.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stdexcept>

#include "test/daemon/runner/runner_under_test.h"
#include "test/support/matches.h"

namespace perchild::test::tmp_test {
namespace {

class OwnTmp : public ::testing::Test {
 protected:
  OwnTmp() { make_folder(); }

  void make_folder(::uid_t owner = uid_a, unsigned mode = 0700) {
    std::filesystem::create_directory(tmp_);
    EXPECT_EQ(::chown(tmp_.c_str(), owner, owner), 0);
    EXPECT_EQ(::chmod(tmp_.c_str(), mode), 0);
  }
  // What keeps a runner from starting; "" if nothing does.
  std::string objection() const {
    try {
      const RunnerUnderTest runner(script_programs(), {}, {}, tmp_);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  const TemporaryDirectory home_{"/srv"};
  const std::string tmp_ = home_.path() + "/tmp";
};

TEST_F(OwnTmp, IsTmpAndOutlivesTheRunner) {
  {
    RunnerUnderTest runner(script_programs(), {}, {}, tmp_);
    EXPECT_EQ(runner.output_of("echo kept > /tmp/file; cat /var/tmp/file"), "kept\n")
        << runner.error_log();
    EXPECT_EQ(runner.output_of("ls -A /tmp; ls -A /dev/shm"), "file\n.perchild\n");
  }
  EXPECT_EQ(read_file(tmp_ + "/file"), "kept\n");
  RunnerUnderTest successor(script_programs(), {}, {}, tmp_);
  EXPECT_EQ(successor.output_of("cat /tmp/file"), "kept\n");
  RunnerUnderTest other(script_programs());
  EXPECT_EQ(other.output_of("cat /tmp/file " + tmp_ + "/file"), "");
}

TEST_F(OwnTmp, HoldsMoreThanMemoryWould) {
  RunnerUnderTest runner(script_programs(), {}, {}, tmp_);
  EXPECT_EQ(runner.output_of("truncate -s 300M /tmp/file && fallocate -l 1M /tmp/x && echo fits"),
            "fits\n");
}

// Which the view has hidden, or Landlock forbids.
TEST_F(OwnTmp, LeadsNowhereElse) {
  home_.write("of_others", "open to all");
  std::filesystem::create_symlink(home_.path(), tmp_ + "/link");
  std::filesystem::create_symlink("/var/lib", tmp_ + "/system");
  RunnerUnderTest runner(script_programs(), {}, {}, tmp_);
  EXPECT_EQ(runner.output_of("cat /tmp/link/of_others /tmp/../of_others; ls /tmp/system"), "");
}

TEST_F(OwnTmp, IsRefusedIfItIsNotTheUsersAlone) {
  EXPECT_EQ(objection(), "");
  struct Case {
    const char* what;
    std::function<void()> make;
    const char* said;
  };
  const std::string elsewhere = home_.path() + "/elsewhere";
  std::filesystem::create_directory(elsewhere);
  ASSERT_EQ(::chown(elsewhere.c_str(), uid_a, uid_a), 0);
  const Case cases[] = {
      {"missing", [] {}, "No such file or directory"},
      {"a link", [&] { std::filesystem::create_directory_symlink(elsewhere, tmp_); }, "is a link"},
      {"a file", [&] { home_.write("tmp", ""); }, "is no folder"},
      {"a neighbour's", [&] { make_folder(uid_b, 0755); }, "belongs to another user"},
      {"root's", [&] { make_folder(0, 0755); }, "belongs to another user"},
      {"written by all", [&] { make_folder(uid_a, 0707); }, "may be written by others"},
      {"written by a group", [&] { make_folder(uid_a, 01770); }, "may be written by others"},
      {"closed", [&] { make_folder(uid_a, 0500); }, "is closed to its own user"},
  };
  for (const Case& each : cases) {
    std::filesystem::remove_all(tmp_);
    each.make();
    const std::string said = objection();
    EXPECT_TRUE(contains(said, each.said)) << each.what << ": " << said;
    EXPECT_TRUE(contains(said, tmp_)) << each.what << ": " << said;
  }
}

// The way to it would lead through what the site's user has put there.
TEST_F(OwnTmp, IsRefusedIfItWouldHideWhatTheSiteNeeds) {
  const TemporaryDirectory below;  // /tmp
  std::filesystem::create_directory_symlink(below.path(), home_.path() + "/link");
  EXPECT_EQ(objection(), "");
  try {
    const RunnerUnderTest runner(script_programs(), {}, {home_.path() + "/link"}, tmp_);
    FAIL() << "it starts";
  } catch (const std::runtime_error& error) {
    EXPECT_TRUE(contains(error.what(), "in whose place is the site's own /tmp")) << error.what();
  }
  EXPECT_TRUE(std::filesystem::is_empty(tmp_));
}

}  // namespace
}  // namespace perchild::test::tmp_test
