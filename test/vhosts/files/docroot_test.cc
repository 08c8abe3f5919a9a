#include "vhosts/files/docroot.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "test/vhosts/files/allocation_count.h"
#include "test/vhosts/files/scratch.h"

namespace perchild::files::docroot_test {
namespace {

using perchild::test::allocation_count;
using perchild::test::Disturber;
using perchild::test::holds_as;
using perchild::test::holds_in_child;
using perchild::test::Scratch;

std::string contents(const Opened& opened) {
  std::array<char, 256> buffer;
  const ::ssize_t got = ::pread(opened.fd.get(), buffer.data(), buffer.size(), 0);
  return got < 0 ? "unreadable" : std::string(buffer.data(), static_cast<std::size_t>(got));
}

// scratch/root is the docroot, scratch/outside what must never be reached.
class DocrootTest : public ::testing::Test {
 protected:
  DocrootTest() {
    scratch_.write("root/page.html", "page");
    scratch_.write("root/dir/inner.txt", "inner");
    scratch_.write("outside/secret", "secret");
    auto opened = Docroot::at(scratch_.path("root"));
    if (opened.has_value()) docroot_ = std::move(*opened);
  }

  Kind kind_of(std::string_view path) const { return docroot_.open(path).kind; }

  Scratch scratch_;
  Docroot docroot_{UniqueFd()};
  const std::vector<std::string> index_{"index.html", "index.php"};
  const FileRules rules_{.index = index_};
};

TEST_F(DocrootTest, RegularFileIsOpenedWithItsFacts) {
  const Opened opened = docroot_.open("page.html");
  ASSERT_EQ(opened.kind, Kind::file);
  EXPECT_EQ(contents(opened), "page");
  struct ::stat status {};
  ASSERT_EQ(::stat(scratch_.path("root/page.html").c_str(), &status), 0);
  EXPECT_EQ(opened.facts.size, 4U);
  EXPECT_EQ(opened.facts.inode, status.st_ino);
  EXPECT_EQ(opened.facts.device, status.st_dev);
  EXPECT_EQ(opened.facts.mtime.sec, status.st_mtim.tv_sec);
  EXPECT_EQ(opened.facts.mtime.nsec, status.st_mtim.tv_nsec);
  EXPECT_EQ(opened.facts.ctime.nsec, status.st_ctim.tv_nsec);
  EXPECT_EQ(::fcntl(opened.fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(opened.fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_F(DocrootTest, OpeningAllocatesNothing) {
  const std::size_t before = allocation_count();
  const Opened opened = docroot_.open("dir/inner.txt");
  const Resolved resolved = docroot_.resolve("dir/", rules_);
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(opened.kind, Kind::file);
  EXPECT_EQ(resolved.opened.kind, Kind::directory);
}

TEST_F(DocrootTest, MissingAndMisnamedFilesAreNotFound) {
  EXPECT_EQ(kind_of("absent"), Kind::not_found);
  EXPECT_EQ(kind_of("absent/page.html"), Kind::not_found);
  EXPECT_EQ(kind_of("page.html/"), Kind::not_found);
  EXPECT_EQ(kind_of("page.html/x"), Kind::not_found);
  EXPECT_EQ(kind_of(std::string(256, 'a')), Kind::not_found);
  EXPECT_EQ(kind_of(std::string(5000, 'a')), Kind::not_found);
  EXPECT_EQ(kind_of(std::string_view("page.html\0.png", 14)), Kind::not_found);
}

TEST_F(DocrootTest, LongestPathOfTheKernelIsTaken) {
  std::string path;
  while (path.size() + 2 + 9 <= PATH_MAX - 1) path += "./";
  path += "page.html";
  ASSERT_GE(path.size(), static_cast<std::size_t>(PATH_MAX - 2));
  EXPECT_EQ(kind_of(path), Kind::file);
}

TEST_F(DocrootTest, DirectoriesAreToldApart) {
  EXPECT_EQ(kind_of(""), Kind::directory);
  EXPECT_EQ(kind_of("dir"), Kind::directory);
  EXPECT_EQ(kind_of("dir/"), Kind::directory);
}

TEST_F(DocrootTest, NothingAboveTheDocrootIsOpened) {
  EXPECT_EQ(kind_of(".."), Kind::forbidden);
  EXPECT_EQ(kind_of("../outside/secret"), Kind::forbidden);
  EXPECT_EQ(kind_of("dir/../../outside/secret"), Kind::forbidden);
  EXPECT_EQ(kind_of("/etc/passwd"), Kind::forbidden);
  EXPECT_EQ(kind_of(scratch_.path("root/page.html")), Kind::forbidden);
  EXPECT_EQ(kind_of("dir/../page.html"), Kind::file);
}

TEST_F(DocrootTest, LinksThatStayInsideAreFollowed) {
  scratch_.link("page.html", "root/link");
  scratch_.link("../page.html", "root/dir/up");
  scratch_.link("dir", "root/folder");
  EXPECT_EQ(contents(docroot_.open("link")), "page");
  EXPECT_EQ(contents(docroot_.open("dir/up")), "page");
  EXPECT_EQ(contents(docroot_.open("folder/inner.txt")), "inner");
}

TEST_F(DocrootTest, LinksThatLeaveAreForbidden) {
  scratch_.link(scratch_.path("outside/secret"), "root/absolute");
  scratch_.link(scratch_.path("root/page.html"), "root/absolute-inside");
  scratch_.link("../outside/secret", "root/relative");
  scratch_.link("relative", "root/chained");
  scratch_.link("chained", "root/chained-twice");
  scratch_.link("../outside", "root/folder");
  scratch_.link("/proc/self/root", "root/magic");
  scratch_.link("loop", "root/loop");
  for (const char* path : {"absolute", "absolute-inside", "relative", "chained", "chained-twice",
                           "folder", "folder/secret", "folder/", "magic", "loop"}) {
    EXPECT_EQ(kind_of(path), Kind::forbidden) << path;
  }
}

TEST_F(DocrootTest, MagicLinksAreForbiddenEvenBelowTheDocroot) {
  auto process = Docroot::at("/proc/self");
  ASSERT_TRUE(process.has_value());
  EXPECT_EQ(process->open("status").kind, Kind::file);
  EXPECT_EQ(process->open("exe").kind, Kind::forbidden);
  EXPECT_EQ(process->open("root/etc/passwd").kind, Kind::forbidden);
  EXPECT_EQ(process->open("cwd/").kind, Kind::forbidden);
}

TEST_F(DocrootTest, FifoSocketAndDeviceAreSpecialAndNobodyWaits) {
  ASSERT_EQ(::mkfifo(scratch_.path("root/fifo").c_str(), 0644), 0);
  ASSERT_EQ(::mknod(scratch_.path("root/null").c_str(), S_IFCHR | 0644, makedev(1, 3)), 0);
  ASSERT_EQ(::mknod(scratch_.path("root/none").c_str(), S_IFCHR | 0644, makedev(250, 250)), 0);
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = scratch_.path("root/socket");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);

  ::alarm(10);  // ends the test where an open waits
  for (const char* name : {"fifo", "null", "none", "socket"}) {
    const Opened opened = docroot_.open(name);
    EXPECT_EQ(opened.kind, Kind::special) << name;
    EXPECT_FALSE(opened.fd.has_value()) << name;
  }
  ::alarm(0);
}

TEST_F(DocrootTest, FileThatItsUidMayNotReadIsForbidden) {
  std::filesystem::permissions(scratch_.path("root/page.html"), std::filesystem::perms(0600));
  scratch_.write("root/closed/page.html", "page");
  std::filesystem::permissions(scratch_.path("root/closed"), std::filesystem::perms(0700));
  EXPECT_EQ(kind_of("page.html"), Kind::file);
  EXPECT_TRUE(holds_as(20001, [&] {
    return kind_of("page.html") == Kind::forbidden && kind_of("dir/inner.txt") == Kind::file &&
           kind_of("closed/page.html") == Kind::forbidden &&
           kind_of("closed/absent") == Kind::forbidden;
  }));
}

TEST_F(DocrootTest, DirectoryThatCanOnlyBeEnteredIsADirectory) {
  scratch_.write("root/entered/index.html", "start");
  scratch_.make_directory("root/bare");
  for (const char* name : {"root/entered", "root/bare"}) {
    std::filesystem::permissions(scratch_.path(name), std::filesystem::perms(0711));
  }
  EXPECT_TRUE(holds_as(20001, [&] {
    return kind_of("entered") == Kind::directory &&
           contents(docroot_.resolve("entered/", rules_).opened) == "start" &&
           docroot_.resolve("bare/", rules_).opened.kind == Kind::directory;
  }));
}

TEST_F(DocrootTest, LackOfDescriptorsIsAnErrorNotAMissingFile) {
  EXPECT_TRUE(holds_in_child([&] {
    const ::rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return false;
    const Opened opened = docroot_.open("page.html");
    return opened.kind == Kind::error && opened.error == EMFILE;
  }));
}

TEST_F(DocrootTest, FileWhoseLeaseIsHeldIsAnErrorAndNobodyWaits) {
  const std::string path = scratch_.path("root/page.html");
  const UniqueFd holder(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  // The kernel tells the holder, by a signal, that somebody wants the file.
  ::signal(SIGIO, SIG_IGN);
  ASSERT_EQ(::fcntl(holder.get(), F_SETLEASE, F_WRLCK), 0);
  ::alarm(10);
  const Opened opened = docroot_.open("page.html");
  ::alarm(0);
  ASSERT_EQ(::fcntl(holder.get(), F_SETLEASE, F_UNLCK), 0);
  ::signal(SIGIO, SIG_DFL);
  EXPECT_EQ(opened.kind, Kind::error);
  EXPECT_EQ(opened.error, EAGAIN);
  EXPECT_EQ(kind_of("page.html"), Kind::file);
}

TEST_F(DocrootTest, IndexNamesAreTriedInOrder) {
  EXPECT_EQ(docroot_.resolve("dir/", rules_).opened.kind, Kind::directory);
  scratch_.write("root/dir/index.php", "second");
  EXPECT_EQ(docroot_.resolve("dir/", rules_).index, 1U);
  scratch_.write("root/dir/index.html", "first");
  const Resolved resolved = docroot_.resolve("dir/", rules_);
  EXPECT_EQ(resolved.index, 0U);
  EXPECT_EQ(contents(resolved.opened), "first");
}

TEST_F(DocrootTest, IndexOfTheDocrootItselfIsFound) {
  scratch_.write("root/index.html", "start");
  EXPECT_EQ(contents(docroot_.resolve("", rules_).opened), "start");
}

TEST_F(DocrootTest, PathWithoutSlashIsNotAnIndex) {
  scratch_.write("root/dir/index.html", "first");
  const Resolved resolved = docroot_.resolve("dir", rules_);
  EXPECT_EQ(resolved.opened.kind, Kind::directory);
  EXPECT_EQ(resolved.index, no_index);
}

TEST_F(DocrootTest, DirectoryNamedLikeAnIndexIsPassedOver) {
  scratch_.make_directory("root/dir/index.html");
  scratch_.write("root/dir/index.php", "second");
  EXPECT_EQ(docroot_.resolve("dir/", rules_).index, 1U);
}

TEST_F(DocrootTest, IndexThatLeavesTheDocrootIsForbiddenNotPassedOver) {
  scratch_.link("../../outside/secret", "root/dir/index.html");
  scratch_.write("root/dir/index.php", "second");
  EXPECT_EQ(docroot_.resolve("dir/", rules_).opened.kind, Kind::forbidden);
}

TEST_F(DocrootTest, MissingDirectoryIsNotFound) {
  EXPECT_EQ(docroot_.resolve("absent/", rules_).opened.kind, Kind::not_found);
  EXPECT_EQ(docroot_.resolve("page.html/", rules_).opened.kind, Kind::not_found);
}

// A tenant's program swaps a folder for a link out of the docroot as fast as it can.
// Of a file that resolve() has found before.
class StillResolvesTest : public DocrootTest {
 protected:
  StillResolvesTest() {
    scratch_.write("root/dir/index.php", "script");
    std::filesystem::create_symlink("dir", scratch_.path("root/way"));
    std::filesystem::create_symlink("page.html", scratch_.path("root/link.html"));
  }

  bool still_resolves(std::string_view path, Symlinks symlinks = Symlinks::beneath) const {
    const FileRules rules{.index = index_, .symlinks = symlinks};
    const Resolved found = docroot_.resolve(path, rules);
    return found.opened.kind == Kind::file &&
           docroot_.still_resolves(path, rules, found.index, found.opened.facts);
  }
  // The same, with what `change` does in between.
  template <typename Change>
  bool still_resolves_after(std::string_view path, Change change) const {
    const Resolved found = docroot_.resolve(path, rules_);
    change();
    return docroot_.still_resolves(path, rules_, found.index, found.opened.facts);
  }
};

TEST_F(StillResolvesTest, FileThatNobodyTouches) {
  EXPECT_TRUE(still_resolves("page.html"));
  EXPECT_TRUE(still_resolves("dir/inner.txt"));
  EXPECT_TRUE(still_resolves("way/inner.txt"));
  EXPECT_TRUE(still_resolves("dir/"));
}

TEST_F(StillResolvesTest, WhereLinksMatterTheWayIsToBeLookedAt) {
  for (const Symlinks rule : {Symlinks::none, Symlinks::owner}) {
    EXPECT_TRUE(still_resolves("page.html", rule));
    EXPECT_FALSE(still_resolves("dir/inner.txt", rule));
  }
  EXPECT_FALSE(still_resolves("link.html"));
}

TEST_F(StillResolvesTest, NotOnceItIsAnotherFileOrAnother) {
  const std::string page = scratch_.path("root/page.html");
  EXPECT_FALSE(
      still_resolves_after("page.html", [&] { scratch_.write("root/page.html", "longer"); }));
  EXPECT_FALSE(still_resolves_after("page.html", [&] { ::chmod(page.c_str(), 0600); }));
  EXPECT_FALSE(still_resolves_after("page.html", [&] {
    scratch_.write("root/new", "page");
    std::filesystem::rename(scratch_.path("root/new"), page);
  }));
  EXPECT_FALSE(still_resolves_after("page.html", [&] {
    std::filesystem::rename(page, scratch_.path("outside/page.html"));
    std::filesystem::create_symlink("../outside/page.html", page);
  }));
  EXPECT_FALSE(still_resolves_after("dir/inner.txt", [&] {
    std::filesystem::rename(scratch_.path("root/dir"), scratch_.path("root/gone"));
  }));
}

TEST_F(StillResolvesTest, NotOnceABetterIndexIsThere) {
  EXPECT_FALSE(
      still_resolves_after("dir/", [&] { scratch_.write("root/dir/index.html", "page"); }));
}

TEST_F(DocrootTest, RenameRaceNeverLeadsOutside) {
  scratch_.write("root/swap/file", "inside");
  scratch_.write("outside/file", "secret");
  scratch_.link("../outside", "root/link");
  const std::string folder = scratch_.path("root/swap");
  const std::string link = scratch_.path("root/link");
  const Disturber disturber([&] {
    ::syscall(SYS_renameat2, AT_FDCWD, folder.c_str(), AT_FDCWD, link.c_str(), 2U /* exchange */);
  });
  int inside = 0;
  int refused = 0;
  for (int i = 0; i < 20'000 || ((inside == 0 || refused == 0) && i < 2'000'000); ++i) {
    const Opened opened = docroot_.open("swap/file");
    if (opened.kind == Kind::file) {
      ASSERT_EQ(contents(opened), "inside");
      ++inside;
    } else {
      ASSERT_EQ(opened.kind, Kind::forbidden) << opened.error;
      ++refused;
    }
  }
  EXPECT_GT(inside, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(DocrootTest, DotDotUnderRenamesNeverLeadsOutside) {
  scratch_.write("root/a/b/file", "inside");
  scratch_.write("outside/file", "secret");
  const std::string here = scratch_.path("root/a/b");
  const std::string there = scratch_.path("outside/b");
  const Disturber disturber([&] {
    ::rename(here.c_str(), there.c_str());
    ::rename(there.c_str(), here.c_str());
  });
  for (int i = 0; i < 20'000; ++i) {
    const Opened opened = docroot_.open("a/b/../file");
    ASSERT_NE(opened.kind, Kind::file) << contents(opened);
  }
}

}  // namespace
}  // namespace perchild::files::docroot_test
