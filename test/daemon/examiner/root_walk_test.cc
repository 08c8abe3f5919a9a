// The walk through a site's root: what it finds, where it ends, and that nobody leads it elsewhere.
#include "daemon/examiner/root_walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "test/support/temporary_directory.h"

namespace perchild::test::root_walk_test {
namespace {

class RootWalkTest : public ::testing::Test {
 protected:
  RootReport walk(std::uint64_t most_names = 1000, bool others_come = true) const {
    const UniqueFd root(::open(folder_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const RootExamination examination{
        .most_names = most_names, .seconds = 60, .others_come = others_come, .groups_come = true};
    return walk_root(root.borrow(), examination, {::geteuid(), ::getegid(), false});
  }
  static std::vector<std::string> paths(const RootReport& report, Trouble trouble) {
    std::vector<std::string> all;
    for (const auto& file : report.found[static_cast<std::size_t>(trouble)].examples) {
      all.push_back(file.path);
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  static std::uint64_t found(const RootReport& report) {
    std::uint64_t all = 0;
    for (const auto& each : report.found) all += each.count;
    return all;
  }

  TemporaryDirectory folder_;
};

TEST_F(RootWalkTest, FindsNothingInAGoodRoot) {
  folder_.write("index.html", "x");
  folder_.write("a/b/wp-config.php", "x", 0600);
  const RootReport report = walk();
  EXPECT_EQ(found(report), 0u);
  EXPECT_EQ(report.names, 4u);
  EXPECT_EQ(report.end, RootReport::End::all);
}

TEST_F(RootWalkTest, FindsWhatLiesDeepAndWhatItIsCalled) {
  folder_.write("a/b/new\nline/.env", "x", 0644);
  folder_.write("a/upload.php", "x", 0666);
  ASSERT_EQ(::chmod((folder_.path() + "/a/upload.php").c_str(), 0666), 0);
  const RootReport report = walk();
  EXPECT_EQ(paths(report, Trouble::secret_is_read), std::vector<std::string>{"a/b/new\nline/.env"});
  EXPECT_EQ(paths(report, Trouble::written_by_others), std::vector<std::string>{"a/upload.php"});
  EXPECT_EQ(found(report), 2u);
}

TEST_F(RootWalkTest, AsksWhetherOthersGetThere) {
  folder_.write("closed/.env", "x", 0644);
  folder_.write("open/.env", "x", 0644);
  ASSERT_EQ(::chmod((folder_.path() + "/closed").c_str(), 0700), 0);
  EXPECT_EQ(paths(walk(), Trouble::secret_is_read), std::vector<std::string>{"open/.env"});
  EXPECT_EQ(found(walk(1000, false)), 0u);
}

TEST_F(RootWalkTest, FollowsNoLinkAndTellsThoseThatLeadOut) {
  const TemporaryDirectory outside;
  outside.write("secret/.env", "x", 0644);
  folder_.write("a/file", "x");
  std::filesystem::create_symlink(outside.path(), folder_.path() + "/absolute");
  std::filesystem::create_symlink("../..", folder_.path() + "/a/up");
  std::filesystem::create_symlink("a/file", folder_.path() + "/inside");
  std::filesystem::create_symlink("nowhere", folder_.path() + "/dangling");
  const RootReport report = walk();
  EXPECT_EQ(paths(report, Trouble::leads_out), (std::vector<std::string>{"a/up", "absolute"}));
  EXPECT_EQ(found(report), 2u);
}

TEST_F(RootWalkTest, EndsAtTheBoundOfNames) {
  for (int i = 0; i < 300; ++i) folder_.write("many/" + std::to_string(i), "");
  const RootReport report = walk(100);
  EXPECT_EQ(report.names, 100u);
  EXPECT_EQ(report.end, RootReport::End::names);
  EXPECT_EQ(walk(301).end, RootReport::End::all);
}

TEST_F(RootWalkTest, TellsAFewExamplesAndCountsAll) {
  for (int i = 0; i < 50; ++i) folder_.write(std::to_string(i) + ".sql", "x", 0644);
  const RootReport report = walk();
  const auto& secrets = report.found[static_cast<std::size_t>(Trouble::secret_is_read)];
  EXPECT_EQ(secrets.count, 50u);
  EXPECT_EQ(secrets.examples.size(), RootReport::most_examples);
}

// Puts a link out of the root in the place of a folder and back, for as long as it lives.
class Swapper {
 public:
  explicit Swapper(const std::string& root) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    const std::string one = root + "/folder";
    const std::string other = root + "/other";
    for (;;) {
      ::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
    }
  }
  ~Swapper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Swapper(const Swapper&) = delete;
  Swapper& operator=(const Swapper&) = delete;

 private:
  ::pid_t pid_;
};

TEST_F(RootWalkTest, IsLedNowhereByWhoSwapsAFolderForALink) {
  const TemporaryDirectory outside;
  for (int i = 0; i < 20; ++i) outside.write("inner/" + std::to_string(i) + ".sql", "x", 0644);
  folder_.write("folder/inner/page.html", "x");
  std::filesystem::create_symlink(outside.path(), folder_.path() + "/other");
  const Swapper swapper(folder_.path());
  bool came_by_folder = false;
  for (int i = 0; i < 2000; ++i) {
    const RootReport report = walk();
    EXPECT_EQ(paths(report, Trouble::secret_is_read), std::vector<std::string>{});
    EXPECT_LE(report.names, 6u);
    came_by_folder |= report.names >= 4;
  }
  EXPECT_TRUE(came_by_folder);
}

}  // namespace
}  // namespace perchild::test::root_walk_test
