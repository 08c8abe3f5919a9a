// What is wrong with a file in a root, and how it is told.
#include "policy/docroot_troubles.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace perchild::test::docroot_troubles_test {
namespace {

constexpr RootOwner owner{20001, 20001};

FileInRoot open_file(std::string_view path, std::uint32_t mode) {
  return {.path = path,
          .mode = S_IFREG | mode,
          .uid = 20001,
          .gid = 20001,
          .others_come = true,
          .groups_come = true};
}
using Troubles = std::vector<Trouble>;

TEST(Secrets, AreKnownByTheirNames) {
  for (const char* secret :
       {"wp-config.php", "a/b/.env", ".env.local", "k/site.key", "id_rsa", ".git/config",
        "a/.git/config", "configuration.php", "sites/default/settings.php", "LocalSettings.php",
        "dump.sql", "dump.sql.gz", ".htpasswd"}) {
    EXPECT_TRUE(is_secret(secret)) << secret;
  }
  for (const char* other : {"index.php", "config", "x.git/config", "key", "environment", "a.keys",
                            "wp-config.php.html", "wp-config.php/x"}) {
    EXPECT_FALSE(is_secret(other)) << other;
  }
}

TEST(Troubles, OfAGoodFileAreNone) {
  for (const char* path : {"index.html", ".env"}) {
    EXPECT_EQ(troubles_of(open_file(path, 0600), owner), Troubles{});
  }
  EXPECT_EQ(troubles_of(open_file("index.html", 0644), owner), Troubles{});
}

TEST(Troubles, AreWhatOthersMayWrite) {
  EXPECT_EQ(troubles_of(open_file("a", 0646), owner), Troubles{Trouble::written_by_others});
  FileInRoot unreachable = open_file("a", 0646);
  unreachable.others_come = false;
  EXPECT_EQ(troubles_of(unreachable, owner), Troubles{});
  FileInRoot folder = open_file("a", 0777);
  folder.mode = S_IFDIR | 0777;
  EXPECT_EQ(troubles_of(folder, owner), Troubles{Trouble::written_by_others});
  folder.mode |= S_ISVTX;
  EXPECT_EQ(troubles_of(folder, owner), Troubles{});
}

TEST(Troubles, AreGroupsOnlyIfOthersAreInThem) {
  FileInRoot file = open_file(".env", 0660);
  EXPECT_EQ(troubles_of(file, owner), Troubles{}) << "the site's own";
  const Troubles both{Trouble::written_by_group, Trouble::secret_is_read_by_group};
  EXPECT_EQ(troubles_of(file, {20001, 20001, true}), both);
  file.gid = 33;
  EXPECT_EQ(troubles_of(file, owner), both);
  file.groups_come = false;
  EXPECT_EQ(troubles_of(file, owner), Troubles{});
}

TEST(Troubles, AreSecretsThatOthersRead) {
  EXPECT_EQ(troubles_of(open_file(".env", 0644), owner), Troubles{Trouble::secret_is_read});
}

TEST(Troubles, AreSetuidFilesButNotFolders) {
  EXPECT_EQ(troubles_of(open_file("a", 04755), owner), Troubles{Trouble::setuid});
  EXPECT_EQ(troubles_of(open_file("a", 02755), owner), Troubles{Trouble::setuid});
  FileInRoot folder = open_file("a", 0);
  folder.mode = S_IFDIR | 02755;
  EXPECT_EQ(troubles_of(folder, owner), Troubles{});
}

TEST(Troubles, AreOtherUsersFiles) {
  FileInRoot file = open_file("a", 0644);
  file.uid = 20002;
  EXPECT_EQ(troubles_of(file, owner), Troubles{Trouble::of_another_user});
  file.links = 2;
  EXPECT_EQ(troubles_of(file, owner), Troubles{Trouble::shared_name});
  file.uid = owner.uid;
  EXPECT_EQ(troubles_of(file, owner), Troubles{}) << "several names of his own";
}

TEST(Troubles, OfALinkAreWhereItLeads) {
  FileInRoot link = open_file(".env", 0);
  link.mode = S_IFLNK | 0777;
  EXPECT_EQ(troubles_of(link, owner), Troubles{});
  link.leads_out = true;
  EXPECT_EQ(troubles_of(link, owner), Troubles{Trouble::leads_out});
}

RootReport some_report() {
  RootReport report{.end = RootReport::End::time, .names = 7, .closed = 1};
  report.found[1] = {5, {{"a\nb", 0644, 3}, {"", 0, 0}}};
  return report;
}

TEST(RootReports, AreReadBackAsTheyWere) {
  const auto read = RootReport::unpack(some_report().pack());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->end, RootReport::End::time);
  EXPECT_EQ(read->names, 7u);
  EXPECT_EQ(read->found[1].count, 5u);
  EXPECT_EQ(read->found[1].examples.at(0).path, "a\nb");
  EXPECT_EQ(read->found[1].examples.at(0).mode, 0644u);
}

TEST(RootReports, AreNotReadIfCutOrLongerOrNonsense) {
  const std::string good = some_report().pack();
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(RootReport::unpack(good.substr(0, length))) << length;
  }
  EXPECT_FALSE(RootReport::unpack(good + "x"));
  std::string bad = good;
  bad[0] = 3;
  EXPECT_FALSE(RootReport::unpack(bad)) << "no such end";
  RootReport report = some_report();
  report.found[1].count = 1;
  EXPECT_FALSE(RootReport::unpack(report.pack())) << "more examples than files";
  report.found[1] = {9, {{}, {}, {}, {}}};
  EXPECT_FALSE(RootReport::unpack(report.pack())) << "too many examples";
  report.found[1] = {9, {}};
  EXPECT_FALSE(RootReport::unpack(report.pack())) << "no example";
}

TEST(RootExaminations, AreReadBackAsTheyWere) {
  const RootExamination examination{.most_names = 5,
                                    .seconds = 6,
                                    .others_come = true,
                                    .shares_group = true,
                                    .needs_landlock = false,
                                    .root = "/srv/a b"};
  const auto read = RootExamination::unpack(examination.pack());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->root, "/srv/a b");
  EXPECT_TRUE(read->others_come && !read->groups_come && read->shares_group);
  EXPECT_FALSE(RootExamination::unpack(examination.pack() + "x"));
}

}  // namespace
}  // namespace perchild::test::docroot_troubles_test
