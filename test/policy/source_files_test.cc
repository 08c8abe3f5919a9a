#include "daemon/command/check/source_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "test/policy/temporary_folder.h"

namespace perchild::test::source_files_test {
namespace {

std::vector<std::string> told(const OpenedSource& opened) {
  std::vector<std::string> sentences;
  for (const Mistake& mistake : opened.objections) {
    sentences.push_back(std::string(name_of(mistake.severity)) + ": " + mistake.sentence);
  }
  return sentences;
}

using Sentences = std::vector<std::string>;

TEST(SourceFiles, AFileThatOnlyItsOwnerWritesIsRead) {
  const TemporaryFolder folder;
  SourceFiles files;
  const OpenedSource opened = files.open(folder.write("p.json", "{}"));
  EXPECT_EQ(opened.text, "{}");
  EXPECT_EQ(opened.problem, "");
  EXPECT_EQ(told(opened), Sentences{});
}

TEST(SourceFiles, AFileThatItsGroupMayWriteIsObjectedTo) {
  const TemporaryFolder folder;
  SourceFiles files;
  EXPECT_EQ(
      told(files.open(folder.write("p.json", "{}", 0664))),
      Sentences{"error: the configuration may be written by others than its owner (mode 0664)"});
}

TEST(SourceFiles, AFolderThatOthersMayWriteIsObjectedToOnce) {
  const TemporaryFolder folder;
  const std::string inner = folder.make_folder("d", 0777);
  folder.write("d/a.json", "{}");
  folder.write("d/b.json", "{}");
  SourceFiles files;
  const OpenedSource opened = files.open(inner + "/a.json");
  EXPECT_EQ(told(opened),
            Sentences{"error: the configuration's folder may be written by others than "
                      "its owner (mode 0777)"});
  EXPECT_EQ(opened.objections.at(0).file, inner);
  EXPECT_EQ(told(files.open(inner + "/b.json")), Sentences{});
}

TEST(SourceFiles, AFolderFurtherUpThatOthersMayWriteIsWarnedOf) {
  const TemporaryFolder folder;
  folder.make_folder("d", 0777);
  folder.make_folder("d/e");
  folder.write("d/e/p.json", "{}");
  SourceFiles files;
  EXPECT_EQ(told(files.open(folder.path("d/e/p.json"))),
            Sentences{"warning: this folder may be written by others than its owner (mode 0777)"});
}

TEST(SourceFiles, TheFolderThatALinkLeadsToCounts) {
  const TemporaryFolder folder;
  folder.make_folder("open", 0777);
  folder.make_folder("closed");
  folder.write("open/p.json", "{}");
  ASSERT_EQ(::symlink("../open/p.json", folder.path("closed/p.json").c_str()), 0);
  SourceFiles files;
  const OpenedSource opened = files.open(folder.path("closed/p.json"));
  EXPECT_EQ(opened.text, "{}");
  ASSERT_EQ(opened.objections.size(), 1U);
  EXPECT_EQ(opened.objections[0].file, folder.path("open"));
}

TEST(SourceFiles, TheFolderThatALinkLiesInCounts) {
  const TemporaryFolder folder;
  folder.make_folder("open", 0777);
  folder.make_folder("closed");
  folder.write("closed/p.json", "{}");
  ASSERT_EQ(::symlink("../closed/p.json", folder.path("open/p.json").c_str()), 0);
  SourceFiles files;
  const OpenedSource opened = files.open(folder.path("open/p.json"));
  ASSERT_EQ(opened.objections.size(), 1U);
  EXPECT_EQ(opened.objections[0].file, folder.path("open"));
}

TEST(SourceFiles, AFileOfAnotherUserIsObjectedTo) {
  const TemporaryFolder folder;
  const std::string path = folder.write("p.json", "{}");
  SourceFiles files;
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 20001, 20001), 0);
    EXPECT_EQ(told(files.open(path)),
              Sentences{"error: the configuration is owned by uid 20001, not by root"});
  } else {
    EXPECT_EQ(told(files.open(path)), Sentences{}) << "our own";
  }
}

TEST(SourceFiles, WhatIsNoFileIsNotReadAndDoesNotHang) {
  const TemporaryFolder folder;
  SourceFiles files;
  EXPECT_EQ(files.open(folder.path("none")).problem, "No such file or directory");
  EXPECT_EQ(files.open(folder.make_folder("d")).problem, "it is not a regular file");
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(files.open(folder.path("fifo")).problem, "it is not a regular file");
  EXPECT_EQ(files.open("/").problem, "it is not a regular file");
  ASSERT_EQ(::symlink("loop", folder.path("loop").c_str()), 0);
  EXPECT_EQ(files.open(folder.path("loop")).problem, "Too many levels of symbolic links");
}

TEST(SourceFiles, APatternIsRelativeToTheFileAndItsMatchesAreSorted) {
  const TemporaryFolder folder;
  folder.make_folder("v.d");
  for (const char* name : {"v.d/b.json", "v.d/B.json", "v.d/a.json", "v.d/c.txt", "v.d/.h.json"}) {
    folder.write(name, "");
  }
  SourceFiles files;
  const Sentences expected{folder.path("v.d/B.json"), folder.path("v.d/a.json"),
                           folder.path("v.d/b.json")};
  EXPECT_EQ(files.matching("v.d/*.json", folder.path("p.json")), expected);
  EXPECT_EQ(files.matching(folder.path("v.d/*.json"), "/elsewhere/p.json"), expected);
  EXPECT_EQ(files.matching("none/*.json", folder.path("p.json")), Sentences{});
}

TEST(SourceFiles, TheFoldersOwnNameIsNoPattern) {
  const TemporaryFolder folder;
  folder.make_folder("[ab]*");
  folder.make_folder("ax");
  folder.write("[ab]*/1.json", "");
  folder.write("ax/2.json", "");
  SourceFiles files;
  EXPECT_EQ(files.matching("*.json", folder.path("[ab]*/p.json")),
            Sentences{folder.path("[ab]*/1.json")});
}

}  // namespace
}  // namespace perchild::test::source_files_test
