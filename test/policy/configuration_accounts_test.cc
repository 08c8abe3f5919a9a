// One vhost for every account: which sites it becomes, and what is told of those who get none.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"

namespace perchild::test::configuration_accounts_test {
namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view entry =
    R"({ "hosts": ["*.users.example"], "user": "{1}", "root": "/home/{1}/www" })";

class AccountVhosts : public testing::Test {
 protected:
  void SetUp() override { system_.users["bob"] = {Uid{1002}, Gid{1002}, {}}; }

  ReadConfiguration read(std::string_view vhosts) {
    FakeFiles files;
    files.texts["perchild.json"] =
        R"({ "listen": [{ "address": "*:80" }], "id_range": [1000, 1999], "vhosts": [)" +
        std::string(vhosts) + "] }";
    files.matches["v.d/*"] = {"v.d/1.json"};
    return read_configuration("perchild.json", files, system_);
  }

  FakeSystem system_;
};

// "host uid root" of each site.
std::vector<std::string> sites_of(const ReadConfiguration& read) {
  std::vector<std::string> sites;
  if (!read.configuration) return {"none"};
  for (const Site& site : read.configuration->sites) {
    std::string text;
    for (const HostPattern& host : site.hosts) {
      text += (host.wildcard ? "*." : "") + std::string(host.name.view()) + " ";
    }
    sites.push_back(text + std::to_string(site.uid.uid().value) + " " + site.root);
  }
  return sites;
}

// "severity pointer: sentence" of each mistake.
std::vector<std::string> told(const ReadConfiguration& read) {
  std::vector<std::string> all;
  for (const Mistake& mistake : read.mistakes) {
    all.push_back(std::string(name_of(mistake.severity)) + " " + mistake.pointer + ": " +
                  mistake.sentence);
  }
  return all;
}

TEST_F(AccountVhosts, EveryAccountOfTheRangeGetsASite) {
  system_.users["eve"] = {Uid{2000}, Gid{1002}, {}};
  const auto read_all = read(entry);
  EXPECT_EQ(sites_of(read_all), (Lines{"alice.users.example 1001 /home/alice/www",
                                       "bob.users.example 1002 /home/bob/www"}));
  EXPECT_EQ(told(read_all), Lines{});
}

TEST_F(AccountVhosts, TheRootIsTriedWithTheAccountsOwnIds) {
  system_.users["bob"].groups = {Gid{1500}};
  ASSERT_TRUE(read(entry).configuration);
  ASSERT_EQ(system_.tried.size(), 2U);
  EXPECT_EQ(system_.tried[1].uid, Uid{1002});
  EXPECT_EQ(system_.tried[1].gid, Gid{1002});
  EXPECT_EQ(system_.tried[1].groups, std::vector<Gid>{Gid{1500}});
  EXPECT_EQ(system_.tried[1].path, "/home/bob/www");
}

TEST_F(AccountVhosts, TheNameCanStandAnywhereInTheRootAndInSeveralHosts) {
  const auto both = read(R"({ "hosts": ["*.users.example", "*.u.example"], "user": "{1}",
                              "root": "/srv/{1}/{1}.d" })");
  EXPECT_EQ(sites_of(both), (Lines{"alice.users.example alice.u.example 1001 /srv/alice/alice.d",
                                   "bob.users.example bob.u.example 1002 /srv/bob/bob.d"}));
}

TEST_F(AccountVhosts, WhatTheVhostSetsHoldsForEachSite) {
  const auto limited = read(R"({ "hosts": ["*.users.example"], "user": "{1}",
                                 "root": "/home/{1}", "limits": { "connections": 7 } })");
  ASSERT_TRUE(limited.configuration);
  for (const Site& site : limited.configuration->sites) EXPECT_EQ(site.limits.connections, 7U);
}

TEST_F(AccountVhosts, UsersAndGroupsCanBeLeftOut) {
  system_.groups["staff"] = Gid{1500};
  system_.users["carol"] = {Uid{1003}, Gid{1500}, {}};
  system_.users["dave"] = {Uid{1004}, Gid{1004}, {Gid{1500}}};
  const auto some = read(R"({ "hosts": ["*.users.example"], "user": "{1}", "root": "/home/{1}/www",
                              "except": { "users": ["bob"], "groups": ["staff"] } })");
  EXPECT_EQ(sites_of(some), (Lines{"alice.users.example 1001 /home/alice/www"}));
  EXPECT_EQ(told(some), Lines{});
}

TEST_F(AccountVhosts, ANameThatNoHostCanHaveIsNotedAndNeverFoldedIntoAnother) {
  for (const char* name : {"Alice", "a.b", "a_b", "-a", "a-", "a/../b"}) {
    system_.users[name] = {Uid{1003}, Gid{1003}, {}};
  }
  const auto some = read(entry);
  EXPECT_EQ(sites_of(some).size(), 2U);
  EXPECT_EQ(told(some),
            (Lines{"note /vhosts/0/user: no host can be called like these accounts, so they "
                   "have no site: \"-a\", \"Alice\", \"a-\", \"a.b\", \"a/../b\" and 1 more"}));
}

TEST_F(AccountVhosts, AnAccountWithoutARootHasNoSite) {
  system_.roots["/home/bob/www"] = {RootAnswer::Kind::missing, {}, 0};
  const auto some = read(entry);
  EXPECT_EQ(sites_of(some), (Lines{"alice.users.example 1001 /home/alice/www"}));
  EXPECT_EQ(told(some), (Lines{"note /vhosts/0/root: these accounts have no root, and so no "
                               "site: \"bob\""}));
}

TEST_F(AccountVhosts, ARootThatItsUserCannotEnterIsAWarning) {
  system_.roots["/home/bob/www"] = {RootAnswer::Kind::denied, "/home/bob", 0};
  const auto some = read(entry);
  EXPECT_EQ(sites_of(some), (Lines{"alice.users.example 1001 /home/alice/www"}));
  EXPECT_EQ(told(some),
            (Lines{"warning /vhosts/0/root: the user \"bob\" (uid 1002) cannot enter the "
                   "root \"/home/bob/www\": \"/home/bob\" is closed to it; the account has "
                   "no site"}));
}

TEST_F(AccountVhosts, ManyClosedRootsAreToldTogether) {
  for (unsigned i = 0; i < 100; ++i) {
    const std::string name = "c" + std::to_string(i);
    system_.users[name] = {Uid{1100 + i}, Gid{1100 + i}, {}};
    system_.roots["/home/" + name + "/www"] = {RootAnswer::Kind::denied, "/home", 0};
  }
  const auto some = read(entry);
  EXPECT_EQ(sites_of(some).size(), 2U);
  ASSERT_EQ(some.mistakes.size(), 21U);
  EXPECT_EQ(some.mistakes[20].sentence,
            "neither can these enter their roots, so they have no site: \"c27\", \"c28\", \"c29\", "
            "\"c3\", \"c30\" and 75 more");
}

TEST_F(AccountVhosts, AGroupOutsideOfTheRangeIsAWarning) {
  system_.users["bob"].gid = Gid{100};
  const auto some = read(entry);
  EXPECT_EQ(sites_of(some).size(), 1U);
  EXPECT_EQ(told(some), (Lines{"warning /vhosts/0/user: the group of these accounts is outside of "
                               "\"id_range\", so they have no site: \"bob\" (gid 100)"}));
}

TEST_F(AccountVhosts, AVhostThatNamesTheHostWinsWhereverItStands) {
  const std::string own = R"({ "hosts": ["bob.users.example"], "uid": 1500, "root": "/srv/bob" })";
  const std::string all(entry);
  const auto read_all = read(all + "," + own);
  EXPECT_EQ(sites_of(read_all),
            (Lines{"bob.users.example 1500 /srv/bob", "alice.users.example 1001 /home/alice/www"}));
  EXPECT_EQ(told(read_all), (Lines{"note /vhosts/0/hosts: another vhost has the hosts of "
                                   "these accounts: \"bob\""}));
}

TEST_F(AccountVhosts, OfTwoTheFirstOneWinsAndTheOtherTakesTheRest) {
  system_.roots["/home/bob/www"] = {RootAnswer::Kind::missing, {}, 0};
  const std::string students =
      R"({ "hosts": ["*.users.example"], "user": "{1}", "root": "/students/{1}" })";
  EXPECT_EQ(
      sites_of(read(std::string(entry) + "," + students)),
      (Lines{"alice.users.example 1001 /home/alice/www", "bob.users.example 1002 /students/bob"}));
}

TEST_F(AccountVhosts, AWildcardVhostTakesTheHostsOfNobody) {
  const auto read_all =
      read(std::string(entry) +
           R"(, { "hosts": ["*.users.example"], "uid": 1999, "root": "/srv/nobody" })");
  EXPECT_EQ(sites_of(read_all),
            (Lines{"*.users.example 1999 /srv/nobody", "alice.users.example 1001 /home/alice/www",
                   "bob.users.example 1002 /home/bob/www"}));
  EXPECT_EQ(told(read_all), Lines{});
}

TEST_F(AccountVhosts, AUidThatHasAnotherVhostIsAWarning) {
  const auto read_all =
      read(std::string(entry) + R"(, { "hosts": ["x"], "user": "bob", "root": "/srv/x" })");
  EXPECT_EQ(told(read_all),
            (Lines{"warning /vhosts/0/user: other vhosts have the uids of these accounts, "
                   "and are not isolated from theirs: \"bob\""}));
}

TEST_F(AccountVhosts, AListenersDefaultCanBeAnAccountsSite) {
  FakeFiles files;
  files.texts["perchild.json"] =
      R"({ "listen": [{ "address": "127.0.0.1:80", "default": "bob.users.example" }], "vhosts": [)" +
      std::string(entry) + "] }";
  const auto read_all = read_configuration("perchild.json", files, system_);
  ASSERT_TRUE(read_all.configuration);
  EXPECT_EQ(read_all.configuration->listeners[0].default_site, SiteId{1});
}

TEST_F(AccountVhosts, WithoutASingleAccountThereIsNoVhost) {
  system_.users.erase("alice");
  system_.users.erase("bob");
  const auto none = read(entry);
  EXPECT_FALSE(none.configuration);
  EXPECT_EQ(told(none), (Lines{"error /vhosts: there is no vhost",
                               "warning /vhosts/0: no account has a site by this vhost"}));
}

TEST_F(AccountVhosts, WhoIsLeftOutButDoesNotExistIsAWarning) {
  const auto read_all = read(R"({ "hosts": ["*.users.example"], "user": "{1}",
                                  "root": "/home/{1}", "except": { "users": ["gone"] } })");
  EXPECT_EQ(sites_of(read_all).size(), 2U);
  EXPECT_EQ(told(read_all), (Lines{"warning /vhosts/0/except/users/0: there is no user \"gone\""}));
}

struct Wrong {
  std::string_view vhost;
  std::string_view told;
};

TEST_F(AccountVhosts, EveryMistakeIsToldWhereItStands) {
  const Wrong all[] = {
      {R"({ "hosts": ["a.users.example"], "user": "{1}", "root": "/{1}" })",
       "error /vhosts/0/hosts/0: the hosts of a vhost with \"user\": \"{1}\" are like "
       "\"*.users.example\""},
      {R"({ "hosts": ["{1}.users.example"], "user": "{1}", "root": "/{1}" })",
       "error /vhosts/0/hosts/0: the hosts of a vhost with \"user\": \"{1}\" are like "
       "\"*.users.example\""},
      {R"({ "hosts": [7], "user": "{1}", "root": "/{1}" })",
       "error /vhosts/0/hosts/0: the hosts of a vhost with \"user\": \"{1}\" are like "
       "\"*.users.example\""},
      {R"({ "hosts": [], "user": "{1}", "root": "/{1}" })",
       "error /vhosts/0/hosts: \"hosts\" must name at least one host"},
      {R"({ "user": "{1}", "root": "/{1}" })", "error /vhosts/0: a vhost needs \"hosts\""},
      {R"({ "hosts": ["*.u"], "user": "web-{1}", "root": "/{1}" })",
       "error /vhosts/0/user: \"user\" is \"{1}\", the name of an account, or a name without it"},
      {R"({ "hosts": ["*.u"], "user": "{1}", "uid": 1001, "root": "/{1}" })",
       "error /vhosts/0/uid: a vhost has either a \"user\" or a \"uid\" and \"gid\", not both"},
      {R"({ "hosts": ["*.u"], "user": "{1}" })", "error /vhosts/0: a vhost needs a \"root\""},
      {R"({ "hosts": ["*.u"], "user": "{1}", "root": "/home" })",
       "error /vhosts/0/root: the root is the same for every account"},
      {R"({ "hosts": ["*.u"], "user": "{1}", "root": "{1}" })",
       "error /vhosts/0/root: \"root\" must be an absolute path"},
      {R"({ "hosts": ["*.u"], "user": "{1}", "root": "/{1}", "rot": 1 })",
       "error /vhosts/0/rot: a vhost has no key \"rot\""},
      {R"({ "hosts": ["*.u"], "user": "{1}", "root": "/{1}", "except": [] })",
       "error /vhosts/0/except: \"except\" must be an object, but is an array"},
      {R"({ "hosts": ["*.u"], "user": "{1}", "root": "/{1}", "except": { "user": [] } })",
       "error /vhosts/0/except/user: \"except\" has no key \"user\""},
      {R"({ "hosts": ["*.u"], "user": "{1}", "root": "/{1}", "except": { "users": "bob" } })",
       "error /vhosts/0/except/users: \"users\" must be an array, but is a string"},
      {R"({ "hosts": ["*.u"], "user": "{1}", "root": "/{1}", "except": { "groups": ["x"] } })",
       "error /vhosts/0/except/groups/0: there is no group \"x\""},
      {R"({ "hosts": ["a"], "user": "bob", "root": "/b", "except": {} })",
       "error /vhosts/0/except: \"except\" goes with \"user\": \"{1}\", a vhost for every account"},
  };
  for (const Wrong& wrong : all) {
    const auto result = read(wrong.vhost);
    EXPECT_FALSE(result.configuration);
    EXPECT_EQ(told(result), (Lines{std::string(wrong.told)}));
  }
}

}  // namespace
}  // namespace perchild::test::configuration_accounts_test
