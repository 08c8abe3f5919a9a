#include "privsep/detached_mount.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "test/support/in_child.h"
#include "test/support/temporary_directory.h"

namespace perchild::test::detached_mount_test {
namespace {

// Whether `path` below `directory` is the file `expected`, with openat(2), which follows "..".
bool leads_to(BorrowedFd directory, const char* path, const std::string& expected) {
  const UniqueFd file(::openat(directory.get(), path, O_RDONLY | O_CLOEXEC));
  struct ::stat found;
  struct ::stat wanted;
  return file.has_value() && ::fstat(file.get(), &found) == 0 &&
         ::stat(expected.c_str(), &wanted) == 0 && found.st_ino == wanted.st_ino &&
         found.st_dev == wanted.st_dev;
}

TEST(DetachedMount, ADirectoryHasNothingAboveIt) {
  const TemporaryDirectory folder;
  const std::string outside = folder.write("outside", "x");
  const std::string inside = folder.write("in/side", "x");
  const UniqueFd plain(::open((folder.path() + "/in").c_str(), O_PATH | O_CLOEXEC));
  ASSERT_TRUE(leads_to(plain.borrow(), "../outside", outside)) << "the control";

  const auto detached = detach_directory(folder.path() + "/in");
  ASSERT_TRUE(detached) << detached.error().text();
  EXPECT_TRUE(leads_to(detached->borrow(), "side", inside));
  EXPECT_TRUE(leads_to(detached->borrow(), "../side", inside)) << "\"..\" is the same folder";
  EXPECT_FALSE(leads_to(detached->borrow(), "../outside", outside));
  EXPECT_LT(::openat(detached->get(), "../../etc/passwd", O_RDONLY | O_CLOEXEC), 0);
}

TEST(DetachedMount, WhatIsMadeLaterIsInItAndItselfIsReadOnly) {
  const TemporaryDirectory folder;
  const auto detached = detach_directory(folder.path());
  ASSERT_TRUE(detached);
  const std::string later = folder.write("later", "x");
  EXPECT_TRUE(leads_to(detached->borrow(), "later", later));
  EXPECT_LT(::openat(detached->get(), "later", O_WRONLY | O_CLOEXEC), 0);
  EXPECT_EQ(errno, EROFS);
}

TEST(DetachedMount, TakesNoPrivilegeAndLeavesOursAlone) {
  const TemporaryDirectory folder;
  folder.write("file", "x");
  EXPECT_EQ(in_child_as(20001, 20001,
                        [&] {
                          const auto detached = detach_directory(folder.path());
                          return detached && leads_to(detached->borrow(), "file",
                                                      folder.path() + "/file")
                                     ? 0
                                     : 1;
                        })
                .status,
            0);
}

TEST(DetachedMount, WhatIsNoDirectoryIsRefused) {
  const TemporaryDirectory folder;
  const auto file = detach_directory(folder.write("file", "x"));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().error, ENOTDIR);
  EXPECT_FALSE(detach_directory(folder.path() + "/missing"));
}

}  // namespace
}  // namespace perchild::test::detached_mount_test
