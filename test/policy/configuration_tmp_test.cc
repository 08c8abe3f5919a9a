// "tmp": whose folder it must be, and where it may lie.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "daemon/command/check/system_view.h"
#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"
#include "test/policy/temporary_folder.h"

namespace perchild::test::configuration_tmp_test {
namespace {

class ConfigurationTmp : public testing::Test {
 protected:
  ConfigurationTmp() { system_.users["bob"] = {Uid{1002}, Gid{1002}, {}}; }

  void read(const std::string& vhosts, const std::string& defaults = "{}") {
    FakeFiles files;
    files.texts["c.json"] = R"({"listen": [{"address": "*:80"}], "id_range": [1000, 1999],
      "defaults": )" + defaults +
                            R"(, "vhosts": [)" + vhosts + "]}";
    auto read = read_configuration("c.json", files, system_);
    told_.clear();
    for (const Mistake& mistake : read.mistakes) {
      told_ += std::string(name_of(mistake.severity)) + " " + mistake.pointer + ": " +
               mistake.sentence + "\n";
    }
    tmp_.clear();
    if (!read.configuration) return;
    for (const Site& site : read.configuration->sites) tmp_.push_back(site.tmp);
  }
  static std::string alices(const std::string& more, const std::string& root = "/home/alice/www") {
    return R"({"hosts": ["a.example"], "user": "alice", "root": ")" + root + '"' + more + "}";
  }
  void put(const std::string& path, ::mode_t mode, ::uid_t owner) {
    struct ::stat status {};
    status.st_mode = mode;
    status.st_uid = owner;
    system_.folders[path] = {0, status};
  }

  FakeSystem system_;
  std::string told_;
  std::vector<std::string> tmp_;
};

using Paths = std::vector<std::string>;

TEST_F(ConfigurationTmp, IsMemoryUnlessItIsSaid) {
  read(alices(""));
  EXPECT_EQ(tmp_, Paths{""});
  read(alices(R"(, "tmp": "/home/alice/tmp")"));
  EXPECT_EQ(tmp_, Paths{"/home/alice/tmp"}) << told_;
  EXPECT_EQ(system_.tried.back().path, "/home/alice/tmp");
  EXPECT_EQ(system_.tried.back().uid, Uid{1001});
  read(alices(R"(, "tmp": false)"), R"({"tmp": "/home/alice/tmp"})");
  EXPECT_EQ(tmp_, Paths{""}) << told_;
}

TEST_F(ConfigurationTmp, TheNameOfTheUserCanStandInIt) {
  read(alices("") + R"(, {"hosts": ["b.example"], "user": "bob", "root": "/home/bob/www"})",
       R"({"tmp": "/home/{1}/tmp"})");
  EXPECT_EQ(tmp_, (Paths{"/home/alice/tmp", "/home/bob/tmp"})) << told_;
  read(R"({"hosts": ["b.example"], "uid": 1002, "gid": 1002, "root": "/srv/b"})",
       R"({"tmp": "/home/{1}/tmp"})");
  EXPECT_EQ(told_,
            "error /vhosts/0/uid: \"{1}\" in \"tmp\" stands for the name of a user, and "
            "this vhost has none\n");
}

TEST_F(ConfigurationTmp, AnAccountWithoutItHasMemory) {
  system_.folders["/home/bob/tmp"] = {ENOENT, {}};
  read(R"({"hosts": ["*.u.example"], "user": "{1}", "root": "/home/{1}/www",
           "tmp": "/home/{1}/tmp"})");
  EXPECT_EQ(tmp_, (Paths{"/home/alice/tmp", ""}));
  EXPECT_EQ(told_,
            "warning /vhosts/0/tmp: these accounts have no such folder of their own (mode "
            "0700), so their /tmp is memory: \"bob\"\n");
}

TEST_F(ConfigurationTmp, MustBeTheUsersOwnFolder) {
  const std::string whose =
      R"(error /vhosts/0/tmp: the "tmp" "/t" of the user "alice" (uid 1001) )";
  struct Case {
    ::mode_t mode;
    ::uid_t owner;
    const char* said;
  };
  for (const Case& each :
       {Case{S_IFLNK | 0777, 1001, "is a link\n"}, Case{S_IFREG | 0700, 1001, "is no folder\n"},
        Case{S_IFDIR | 0700, 1002, "belongs to another user, uid 1002\n"},
        Case{S_IFDIR | 01777, 0, "belongs to another user, uid 0\n"},
        Case{S_IFDIR | 0720, 1001, "may be written by others than its user\n"},
        Case{S_IFDIR | 0702, 1001, "may be written by others than its user\n"},
        Case{S_IFDIR | 0600, 1001, "is closed to its own user\n"}}) {
    put("/t", each.mode, each.owner);
    read(alices(R"(, "tmp": "/t")"));
    EXPECT_EQ(told_, whose + each.said);
  }
  system_.folders["/t"] = {ENOENT, {}};
  read(alices(R"(, "tmp": "/t")"));
  EXPECT_EQ(told_, whose + "does not exist\n");
  system_.folders["/t"] = {EACCES, {}};
  read(alices(R"(, "tmp": "/t")"));
  EXPECT_EQ(told_, whose + "cannot be looked at: Permission denied\n");
}

TEST_F(ConfigurationTmp, MustNotLieInARoot) {
  read(alices(R"(, "tmp": "/home/alice/www/a/tmp")"));
  EXPECT_EQ(told_,
            "error /vhosts/0/tmp: the \"tmp\" \"/home/alice/www/a/tmp\" lies in the root "
            "\"/home/alice/www\", where visitors can ask for what is in it\n");
  read(alices(R"(, "tmp": "/home/bob/www")") +
       R"(, {"hosts": ["b.example"], "user": "bob", "root": "/home/bob/www/"})");
  EXPECT_EQ(told_,
            "error /vhosts/0/tmp: the \"tmp\" \"/home/bob/www\" lies in the root "
            "\"/home/bob/www\", where visitors can ask for what is in it\n");
  read(alices(R"(, "tmp": "/home/alice/www.tmp")"));
  EXPECT_EQ(told_, "");
}

TEST_F(ConfigurationTmp, HidesNoRoot) {
  for (const std::string place : {"/tmp", "/var/tmp"}) {
    read(alices(R"(, "tmp": "/home/alice/tmp")", place + "/www"));
    EXPECT_EQ(told_, "error /vhosts/0/tmp: the root \"" + place + "/www\" lies in " + place +
                         ", which \"tmp\" takes the place of\n");
    read(alices(R"(, "tmp": "/home/alice/tmp")", place + "x"));
    EXPECT_EQ(told_, "");
  }
}

TEST_F(ConfigurationTmp, IsAPathWithoutDetours) {
  for (const char* path : {"/", "/t/", "/t/.", "/t/../x", "//t", "/./t"}) {
    read(alices(R"(, "tmp": ")" + std::string(path) + '"'));
    EXPECT_EQ(told_,
              "error /vhosts/0/tmp: \"tmp\" must be the path of a folder without \"//\", "
              "\".\", \"..\" and an end in \"/\"\n")
        << path;
  }
  read(alices(R"(, "tmp": "t")"));
  EXPECT_EQ(told_, "error /vhosts/0/tmp: \"tmp\" must be an absolute path\n");
}

TEST(TmpOnThisMachine, IsLookedAtWithTheSitesIdsAndNotFollowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can ask for others";
  constexpr Uid alice{20001};
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const std::string closed = folder.make_folder("closed", 0700);
  folder.make_folder("closed/tmp", 0700);
  const std::string link = folder.path() + "/link";
  ASSERT_EQ(::symlink(closed.c_str(), link.c_str()), 0);
  MachineView view;
  const auto look = [&](const std::string& path) {
    return view.look_at_folder(alice, Gid{20001}, {}, path);
  };
  EXPECT_EQ(look(closed + "/tmp").error, EACCES);
  EXPECT_EQ(look(folder.path() + "/none").error, ENOENT);
  ASSERT_TRUE(look(link).status);
  EXPECT_TRUE(S_ISLNK(look(link).status->st_mode));
  ASSERT_TRUE(look(closed).status);
  EXPECT_EQ(look(closed).status->st_mode & 07777U, 0700U);
  EXPECT_EQ(::geteuid(), 0U);
}

}  // namespace
}  // namespace perchild::test::configuration_tmp_test
