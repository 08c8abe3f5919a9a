#include "daemon/command/check/accounts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "test/policy/temporary_folder.h"

namespace perchild::test::accounts_test {
namespace {

// No account of a name service has such a name.
constexpr const char* nobody_known = "perchild-test-nobody";

class AccountsOf : public testing::Test {
 protected:
  Accounts load(std::string_view passwd, std::string_view group,
                std::string_view nsswitch = "group: files systemd\n") {
    return Accounts({.passwd = folder_.write("passwd", passwd),
                     .group = folder_.write("group", group),
                     .nsswitch = folder_.write("nsswitch.conf", nsswitch)});
  }
  TemporaryFolder folder_;
};

TEST_F(AccountsOf, AUserHasItsIdsAndTheGroupsThatListIt) {
  Accounts accounts = load("pt-alice:x:71001:71002::/home/alice:/bin/sh\n",
                           "pt-one:x:71005:pt-bob,pt-alice\n"
                           "pt-alice:x:71002:pt-alice\n"
                           "pt-two:x:71003:pt-alice\n"
                           "pt-three:x:71004:pt-bob\n");
  const auto alice = accounts.find_user("pt-alice");
  ASSERT_TRUE(alice);
  EXPECT_EQ(alice->uid, Uid{71001});
  EXPECT_EQ(alice->gid, Gid{71002});
  EXPECT_EQ(alice->groups, (std::vector<Gid>{Gid{71003}, Gid{71005}})) << "sorted, without her own";
  EXPECT_EQ(accounts.find_group_of(Uid{71001}), Gid{71002});
  EXPECT_EQ(accounts.find_group("pt-two"), Gid{71003});
  EXPECT_EQ(accounts.find_group_name(Gid{71004}), "pt-three");
}

TEST_F(AccountsOf, WhoIsNotThereIsNotFound) {
  Accounts accounts = load("", "");
  EXPECT_FALSE(accounts.find_user(nobody_known));
  EXPECT_FALSE(accounts.find_group(nobody_known));
  EXPECT_FALSE(accounts.find_group_of(Uid{4'000'000'001}));
  EXPECT_FALSE(accounts.find_group_name(Gid{4'000'000'001}));
}

TEST_F(AccountsOf, TheFirstOfTwoLinesCounts) {
  Accounts accounts = load(
      "pt-alice:x:71001:71001:::\n"
      "pt-alice:x:0:0:::\n"
      "pt-twin:x:71001:71009:::\n",
      "");
  EXPECT_EQ(accounts.find_user("pt-alice")->uid, Uid{71001});
  EXPECT_EQ(accounts.find_group_of(Uid{71001}), Gid{71001});
}

TEST_F(AccountsOf, TheUsersOfARangeAreListedByNameWithTheirGroups) {
  Accounts accounts = load(
      "pt-zoe:x:71003:71003:::\n"
      "pt-bob:x:71001:71009:::\n"
      "pt-bob:x:71002:71002:::\n"
      "+pt-nis:x:71002:71002:::\n"
      "pt-low:x:71000:71000:::\n"
      "pt-high:x:71004:71004:::\n",
      "pt-one:x:71005:pt-zoe\n");
  const auto users = accounts.users_in({71001, 71003});
  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[0].name, "pt-bob");
  EXPECT_EQ(users[0].account.uid, Uid{71001});
  EXPECT_EQ(users[0].account.gid, Gid{71009});
  EXPECT_EQ(users[1].name, "pt-zoe");
  EXPECT_EQ(users[1].account.groups, std::vector<Gid>{Gid{71005}});
}

TEST_F(AccountsOf, AServiceThatKnowsMoreUsersIsAskedForThem) {
  const auto root_is_listed = [](std::vector<NamedAccount> users) {
    return std::any_of(users.begin(), users.end(),
                       [](const NamedAccount& user) { return user.name == "root"; });
  };
  // What getpwent(3) gives here is at least the machine's own /etc/passwd.
  EXPECT_TRUE(root_is_listed(load("", "", "passwd: files sss\n").users_in({0, 0})));
  EXPECT_FALSE(root_is_listed(load("", "", "passwd: files\n").users_in({0, 0})));
}

TEST_F(AccountsOf, ReferencesToNisAreNoAccounts) {
  Accounts accounts = load("+:x:0:0:::\n+pt-bob:x:71002:71002:::\n", "+:x:0:\n");
  EXPECT_FALSE(accounts.find_user("+"));
  EXPECT_FALSE(accounts.find_user("+pt-bob"));
  EXPECT_FALSE(accounts.find_group("+"));
}

TEST_F(AccountsOf, AGroupOfManyThousandMembersIsReadWhole) {
  std::string line = "pt-all:x:71100:";
  for (int i = 0; i < 20'000; ++i) line += "pt-u" + std::to_string(i) + ",";
  Accounts accounts =
      load("pt-last:x:71001:71001:::\n", line + "pt-last\npt-end:x:71101:pt-last\n");
  EXPECT_EQ(accounts.find_user("pt-last")->groups, (std::vector<Gid>{Gid{71100}, Gid{71101}}));
}

TEST_F(AccountsOf, AnAccountThatTheFilesDoNotHaveIsAskedForElsewhere) {
  Accounts accounts = load("", "", "passwd: files sss\n");
  const auto root = accounts.find_user("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, Uid{0});
  EXPECT_EQ(accounts.find_group("root"), Gid{0});
  EXPECT_EQ(accounts.find_group_of(Uid{0}), Gid{0});
  EXPECT_EQ(accounts.find_group_name(Gid{0}), "root");
}

TEST_F(AccountsOf, AUidIsAskedForElsewhereOnlyWhereThatCanBeKnown) {
  EXPECT_FALSE(load("", "", "passwd: files systemd\n").find_group_of(Uid{0}));
  EXPECT_FALSE(load("", "", "group: files sss\n").find_group_of(Uid{0}));
  EXPECT_TRUE(load("", "", "passwd:\tfiles ldap\n").find_group_of(Uid{0}));
}

TEST_F(AccountsOf, WithARemoteServiceForGroupsThatIsAskedToo) {
  // /etc/group does not list pt-alice, so that the name service says nothing of the file's group.
  for (const char* line : {"group: files sss\n", " initgroups: files [SUCCESS=continue] ldap\n"}) {
    Accounts accounts = load("pt-alice:x:71001:71001:::\n", "pt-two:x:71003:pt-alice\n", line);
    EXPECT_TRUE(accounts.find_user("pt-alice")->groups.empty()) << line;
  }
  for (const char* line :
       {"group: files [NOTFOUND=return] systemd # sss\n", "passwd: files sss\n", ""}) {
    Accounts accounts = load("pt-alice:x:71001:71001:::\n", "pt-two:x:71003:pt-alice\n", line);
    EXPECT_EQ(accounts.find_user("pt-alice")->groups.size(), 1U) << line;
  }
}

TEST_F(AccountsOf, TenThousandUsersAreFoundQuickly) {
  std::string passwd;
  std::string group;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = std::to_string(100'000 + i);
    passwd += "pt-u" + id + ":x:" + id + ":" + id + ":::\n";
    group += "pt-g" + id + ":x:" + id + ":pt-u" + std::to_string(100'000 + (i + 1) % 10'000) + "\n";
  }
  const auto begin = std::chrono::steady_clock::now();
  Accounts accounts = load(passwd, group);
  for (unsigned i = 0; i < 10'000; ++i) {
    const auto user = accounts.find_user("pt-u" + std::to_string(100'000 + i));
    ASSERT_TRUE(user);
    ASSERT_EQ(user->groups, std::vector<Gid>{Gid{100'000 + (i + 9'999) % 10'000}});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2)) << "with sanitizers";
}

}  // namespace
}  // namespace perchild::test::accounts_test
