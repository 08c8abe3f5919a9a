// Which symbolic links are followed, and that nobody who changes them meanwhile is faster. As root,
// for the files have several owners.
#include <gtest/gtest.h>
#include <unistd.h>

#include "test/vhosts/files/scratch.h"
#include "vhosts/files/docroot.h"

namespace perchild::files::symlinks_test {
namespace {

using perchild::test::Disturber;
using perchild::test::Scratch;

constexpr ::uid_t site = 20001;
constexpr ::uid_t other = 20002;

// scratch/root is the docroot of `site`, in which `other` has some names.
class SymlinksTest : public ::testing::Test {
 protected:
  SymlinksTest() {
    for (const char* name : {"mine.txt", "dir/inner.txt", "dir/deep/x.txt"}) make(name, site);
    for (const char* name : {"theirs.txt", "their-dir/inner.txt"}) make(name, other);
    own("dir", site);
    own("dir/deep", site);
    own("their-dir", other);
    own("", site);
    UniqueFd root(::open(scratch_.path("root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    docroot_ = Docroot(std::move(root), site);
  }

  std::string at(const std::string& name) const { return scratch_.path("root/" + name); }
  void own(const std::string& name, ::uid_t uid) const {
    EXPECT_EQ(::lchown(at(name).c_str(), uid, uid), 0) << name;
  }
  void make(const std::string& name, ::uid_t uid) const {
    scratch_.write("root/" + name, name);
    own(name, uid);
  }
  void link(const std::string& target, const std::string& name, ::uid_t uid) const {
    scratch_.link(target, "root/" + name);
    own(name, uid);
  }
  Kind kind(const std::string& path, Symlinks symlinks) const {
    return docroot_.open(path, symlinks).kind;
  }
  std::string contents(const std::string& path, Symlinks symlinks) const {
    const Opened opened = docroot_.open(path, symlinks);
    if (opened.kind != Kind::file) return "<none>";
    std::string text(256, '\0');
    const ::ssize_t got = ::pread(opened.fd.get(), text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

  Scratch scratch_;
  Docroot docroot_{UniqueFd()};
};

TEST_F(SymlinksTest, NoneFollowsNoLinkWhereverItStands) {
  link("mine.txt", "link.txt", site);
  link("dir", "to-dir", site);
  EXPECT_EQ(kind("link.txt", Symlinks::none), Kind::forbidden);
  EXPECT_EQ(kind("to-dir/inner.txt", Symlinks::none), Kind::forbidden);
  EXPECT_EQ(kind("to-dir/", Symlinks::none), Kind::forbidden);
  EXPECT_EQ(contents("mine.txt", Symlinks::none), "mine.txt");
  EXPECT_EQ(kind("dir", Symlinks::none), Kind::directory);
  EXPECT_EQ(contents("link.txt", Symlinks::beneath), "mine.txt");
}

TEST_F(SymlinksTest, OwnerFollowsLinksToWhatTheirOwnerHas) {
  link("mine.txt", "link.txt", site);
  link("../mine.txt", "dir/up.txt", site);
  link("dir/../dir/./deep", "to-deep", site);
  link("link.txt", "link-to-link.txt", site);
  link("theirs.txt", "their-link.txt", other);
  EXPECT_EQ(contents("link.txt", Symlinks::owner), "mine.txt");
  EXPECT_EQ(contents("dir/up.txt", Symlinks::owner), "mine.txt");
  EXPECT_EQ(contents("to-deep/x.txt", Symlinks::owner), "dir/deep/x.txt");
  EXPECT_EQ(kind("to-deep", Symlinks::owner), Kind::directory);
  EXPECT_EQ(kind("to-deep/", Symlinks::owner), Kind::directory);
  EXPECT_EQ(contents("link-to-link.txt", Symlinks::owner), "mine.txt");
  EXPECT_EQ(contents("their-link.txt", Symlinks::owner), "theirs.txt");
  EXPECT_EQ(contents("mine.txt", Symlinks::owner), "mine.txt");
  EXPECT_EQ(contents("theirs.txt", Symlinks::owner), "theirs.txt") << "no link, one name";
}

TEST_F(SymlinksTest, OwnerFollowsNoLinkToWhatAnotherHas) {
  link("mine.txt", "link.txt", other);
  link("dir", "to-dir", other);
  link("link.txt", "link-to-link.txt", site);
  link("theirs.txt", "to-theirs.txt", site);
  link("their-dir/../mine.txt", "round.txt", other);
  for (const char* path : {"link.txt", "to-dir/inner.txt", "to-dir/", "to-dir", "to-dir/deep/x.txt",
                           "link-to-link.txt", "to-theirs.txt", "round.txt"}) {
    EXPECT_EQ(kind(path, Symlinks::owner), Kind::forbidden) << path;
    EXPECT_NE(kind(path, Symlinks::beneath), Kind::forbidden) << path << ": the control";
  }
}

TEST_F(SymlinksTest, OwnerFollowsNoLinkOutOfTheDocroot) {
  scratch_.write("outside", "outside");
  EXPECT_EQ(::lchown(scratch_.path("outside").c_str(), site, site), 0);
  link("../outside", "up", site);
  link("dir/../../outside", "round", site);
  link("/mine.txt", "absolute", site);
  link(scratch_.path("root/mine.txt"), "absolute-inside", site);
  for (const char* path : {"up", "round", "absolute", "absolute-inside"}) {
    EXPECT_EQ(kind(path, Symlinks::owner), Kind::forbidden) << path;
    EXPECT_EQ(kind(path, Symlinks::beneath), Kind::forbidden) << path;
  }
}

TEST_F(SymlinksTest, OwnerTellsWhatIsNotThere) {
  link("absent.txt", "dangling", site);
  link("mine.txt", "link.txt", site);
  link("loop", "loop", site);
  EXPECT_EQ(kind("dangling", Symlinks::owner), Kind::not_found);
  EXPECT_EQ(kind("link.txt/", Symlinks::owner), Kind::not_found);
  EXPECT_EQ(kind("link.txt/x", Symlinks::owner), Kind::not_found);
  EXPECT_EQ(kind("loop", Symlinks::owner), Kind::forbidden);
}

TEST_F(SymlinksTest, AFileOfSeveralNamesIsServedIfItIsTheSitesOwn) {
  make("dir/own.txt", site);
  ASSERT_EQ(::link(at("dir/own.txt").c_str(), at("own-2.txt").c_str()), 0);
  ASSERT_EQ(::link(at("their-dir/inner.txt").c_str(), at("stolen.txt").c_str()), 0);
  for (const Symlinks symlinks : {Symlinks::none, Symlinks::owner}) {
    EXPECT_EQ(contents("own-2.txt", symlinks), "dir/own.txt");
    EXPECT_EQ(kind("stolen.txt", symlinks), Kind::forbidden);
  }
  EXPECT_EQ(kind("stolen.txt", Symlinks::beneath), Kind::file) << "the control";
}

TEST_F(SymlinksTest, WhoeverSwapsALinkMeanwhileGainsNothing) {
  // Of `other` are the links, of `site` what he is after.
  own("", other);
  link("theirs.txt", "good", other);
  link("mine.txt", "bad", other);
  link("theirs.txt", "swapped", other);
  const Disturber disturber([this] {
    ::rename(at("good").c_str(), at("swapped").c_str());
    static_cast<void>(::symlink("theirs.txt", at("good").c_str()));
    static_cast<void>(::lchown(at("good").c_str(), other, other));
    ::rename(at("bad").c_str(), at("swapped").c_str());
    static_cast<void>(::symlink("mine.txt", at("bad").c_str()));
    static_cast<void>(::lchown(at("bad").c_str(), other, other));
  });
  int served = 0;
  int refused = 0;
  for (int i = 0; i < 20'000 && (i < 2'000 || served == 0 || refused == 0); ++i) {
    const Opened opened = docroot_.open("swapped", Symlinks::owner);
    if (opened.kind == Kind::file) {
      ++served;
      // mine.txt is the shorter one.
      ASSERT_EQ(opened.facts.size, std::string_view("theirs.txt").size());
    } else {
      ++refused;
    }
  }
  EXPECT_GT(served, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace perchild::files::symlinks_test
