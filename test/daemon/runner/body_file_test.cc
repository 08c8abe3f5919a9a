// The file that a runner makes for the bodies that its site's worker keeps.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "test/daemon/runner/runner_under_test.h"

namespace perchild::test::body_file_test {
namespace {

TEST(BodyFile, IsTheSitesOnItsOwnDiskAndNobodyCanGiveItAName) {
  RunnerUnderTest runner(script_programs());
  AskingWorker worker = runner.attach();
  worker.ask_body_file();
  const AskingWorker::Answer answer = worker.next();
  ASSERT_TRUE(answer.body_file.has_value()) << runner.error_log();
  struct ::stat file, folder;
  ASSERT_EQ(::fstat(answer.body_file.get(), &file), 0);
  ASSERT_EQ(::stat(runner.root().c_str(), &folder), 0);
  EXPECT_EQ(file.st_dev, folder.st_dev);
  EXPECT_EQ(file.st_uid, uid_a);
  EXPECT_EQ(file.st_mode, S_IFREG | 0600U);
  EXPECT_EQ(file.st_nlink, 0u);
  EXPECT_EQ(file.st_size, 0);
  EXPECT_EQ(::pwrite(answer.body_file.get(), "x", 1, 0), 1);
  const std::string name = runner.root() + "/name";
  EXPECT_NE(::linkat(answer.body_file.get(), "", AT_FDCWD, name.c_str(), AT_EMPTY_PATH), 0);
}

TEST(BodyFile, IsRefusedWhereTheSiteMayNotWriteAndTheLogSaysSo) {
  RunnerUnderTest runner(script_programs());
  ASSERT_EQ(::chmod(runner.root().c_str(), 0500), 0);
  AskingWorker worker = runner.attach();
  worker.ask_body_file();
  const AskingWorker::Answer answer = worker.next();
  EXPECT_TRUE(answer.is_about_body_file);
  EXPECT_FALSE(answer.body_file.has_value());
  EXPECT_TRUE(runner.logs("no file for bodies: open " + runner.root() + ": Permission denied"))
      << runner.error_log();
}

}  // namespace
}  // namespace perchild::test::body_file_test
