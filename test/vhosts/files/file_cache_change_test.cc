// Whatever changes on disk, the cache has noticed it in the loop's next turn.
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "test/vhosts/files/cache_fixture.h"

namespace perchild::files::file_cache_change_test {
namespace {

using perchild::test::holds_as;
using perchild::test::Scratch;

struct Change {
  std::string_view name;
  std::string_view path;  // as requested
  std::string_view file;  // what answers it before the change
  std::function<void(const Scratch&)> make;
  std::string_view body_afterwards;

  friend std::ostream& operator<<(std::ostream& out, const Change& change) {
    return out << change.name;
  }
};

// Size and mtime as they were: only ctime tells.
void rewrite_and_hide_it(const Scratch& scratch) {
  const std::string path = scratch.path("root/dir/page.html");
  struct ::stat before {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  scratch.write("root/dir/page.html", "PAGE");
  const ::timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

void replace_by_link(const Scratch& scratch, std::string_view target) {
  std::filesystem::rename(scratch.path("root/dir"), scratch.path("root/moved"));
  scratch.link(target, "root/dir");
}

const Change changes[] = {
    {"RewrittenWithTheSameSize", "dir/page.html", "dir/page.html",
     [](const Scratch& s) { s.write("root/dir/page.html", "PAGE"); }, "PAGE"},
    {"RewrittenWithSizeAndMtimeAsBefore", "dir/page.html", "dir/page.html", rewrite_and_hide_it,
     "PAGE"},
    {"Appended", "dir/page.html", "dir/page.html",
     [](const Scratch& s) {
       std::ofstream(s.path("root/dir/page.html"), std::ios::app) << " more";
     },
     "page more"},
    {"Truncated", "dir/page.html", "dir/page.html",
     [](const Scratch& s) { ASSERT_EQ(::truncate(s.path("root/dir/page.html").c_str(), 0), 0); },
     ""},
    {"AnotherFileRenamedOverIt", "dir/page.html", "dir/page.html",
     [](const Scratch& s) {
       s.write("root/new", "PAGE");
       std::filesystem::rename(s.path("root/new"), s.path("root/dir/page.html"));
     },
     "PAGE"},
    {"Deleted", "dir/page.html", "dir/page.html",
     [](const Scratch& s) { std::filesystem::remove(s.path("root/dir/page.html")); },
     "<not found>"},
    {"ReplacedByAFifo", "dir/page.html", "dir/page.html",
     [](const Scratch& s) {
       std::filesystem::remove(s.path("root/dir/page.html"));
       ASSERT_EQ(::mkfifo(s.path("root/dir/page.html").c_str(), 0644), 0);
     },
     "<special>"},
    {"ReplacedByALinkOutside", "dir/page.html", "dir/page.html",
     [](const Scratch& s) {
       std::filesystem::remove(s.path("root/dir/page.html"));
       s.link("../../outside/page.html", "root/dir/page.html");
     },
     "<forbidden>"},
    {"FolderDeleted", "dir/page.html", "dir/page.html",
     [](const Scratch& s) { std::filesystem::remove_all(s.path("root/dir")); }, "<not found>"},
    {"FolderReplacedByALinkOutside", "dir/page.html", "dir/page.html",
     [](const Scratch& s) { replace_by_link(s, "../outside"); }, "<forbidden>"},
    {"FolderReplacedByALinkInside", "dir/page.html", "dir/page.html",
     [](const Scratch& s) { replace_by_link(s, "other"); }, "other page"},
    {"FolderReplacedByALinkToItself", "dir/page.html", "dir/page.html",
     [](const Scratch& s) { replace_by_link(s, "moved"); }, "page"},
    {"BetterIndexAppears", "dir/", "dir/index.php",
     [](const Scratch& s) { s.write("root/dir/index.html", "html"); }, "html"},
    {"BetterIndexAppearsAsALinkOutside", "dir/", "dir/index.php",
     [](const Scratch& s) { s.link("../../outside/page.html", "root/dir/index.html"); },
     "<forbidden>"},
    {"IndexDeleted", "dir/", "dir/index.php",
     [](const Scratch& s) { std::filesystem::remove(s.path("root/dir/index.php")); },
     "<directory>"},
    {"IndexChanged", "dir/", "dir/index.php",
     [](const Scratch& s) { s.write("root/dir/index.php", "PHP"); }, "PHP"},
};

class FileCacheChangeTest : public CacheTest, public ::testing::WithParamInterface<Change> {
 protected:
  FileCacheChangeTest() {
    scratch_.write("root/dir/page.html", "page");
    scratch_.write("root/dir/index.php", "php");
    scratch_.write("root/other/page.html", "other page");
    scratch_.write("outside/page.html", "secret");
  }
};

TEST_P(FileCacheChangeTest, IsNoticedInTheNextTurn) {
  const Change& change = GetParam();
  ASSERT_NO_FATAL_FAILURE(warm(change.path, change.file));
  const std::string before = body_of(get(change.path));
  ASSERT_NO_FATAL_FAILURE(change.make(scratch_));
  EXPECT_EQ(body_of(get(change.path)), before) << "checked more than once in a turn";
  EXPECT_EQ(body_of(get_next_turn(change.path)), change.body_afterwards);
  EXPECT_EQ(body_of(get(change.path)), change.body_afterwards);
}

INSTANTIATE_TEST_SUITE_P(Changes, FileCacheChangeTest, ::testing::ValuesIn(changes),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(FileCacheChangeTest, BetterIndexThatIsTheSameFileBringsItsOwnType) {
  warm("dir/", "dir/index.php");
  ASSERT_EQ(get("dir/").cached->lines().all().find("text/html"), std::string_view::npos);
  scratch_.link("index.php", "root/dir/index.html");
  const Answer answer = get_next_turn("dir/");
  EXPECT_EQ(answer.index_name, "index.html");
  EXPECT_NE(answer.cached->lines().all().find("text/html"), std::string_view::npos);
}

TEST_F(FileCacheChangeTest, PermissionTakenAwayIsNoticedInTheNextTurn) {
  const std::string path = scratch_.path("root/dir/page.html");
  ASSERT_EQ(::chown(path.c_str(), 20001, 20001), 0);
  EXPECT_TRUE(holds_as(20001, [&] {
    warm("dir/page.html", "dir/page.html");
    if (::chmod(path.c_str(), 0) != 0) return false;
    const bool refused = body_of(get_next_turn("dir/page.html")) == "<forbidden>";
    if (::chmod(path.c_str(), 0400) != 0) return false;
    return refused && cache_.files() == 0 && body_of(get_next_turn("dir/page.html")) == "page";
  }));
}

TEST_F(FileCacheChangeTest, FolderThatIsClosedIsNoticedInTheNextTurn) {
  ASSERT_EQ(::chown(scratch_.path("root/dir").c_str(), 20001, 20001), 0);
  EXPECT_TRUE(holds_as(20001, [&] {
    warm("dir/page.html", "dir/page.html");
    if (::chmod(scratch_.path("root/dir").c_str(), 0) != 0) return false;
    return body_of(get_next_turn("dir/page.html")) == "<forbidden>";
  }));
}

}  // namespace
}  // namespace perchild::files::file_cache_change_test
