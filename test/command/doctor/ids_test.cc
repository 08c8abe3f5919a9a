// Ids that keep nobody apart.
#include <gtest/gtest.h>

#include "daemon/command/doctor/id_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_ids_test {
namespace {

IdFacts good_ids() {
  return {.sites = {{"a.example", Uid{20001}, Gid{20001}}, {"b.example", Uid{20002}, Gid{20002}}},
          .services = {Uid{901}, Uid{902}},
          .accounts = {{"alice", {Uid{20001}, Gid{20001}, {}}}},
          .groups = {{Gid{20001}, "alice"}, {Gid{6}, "disk"}, {Gid{4}, "adm"}},
          .sub_ids = {{"alice", 100'000, 65'536, false}}};
}

Diagnosis of(const IdFacts& facts) {
  Diagnosis diagnosis;
  check_ids(facts, diagnosis);
  return diagnosis;
}

TEST(DoctorOfIds, SaysNothingWhereEachSiteHasItsOwn) {
  EXPECT_EQ(found_in(of(good_ids())), Texts{});
  EXPECT_EQ(of(good_ids()).in_order.size(), 3u);
}

TEST(DoctorOfIds, FindsSitesOfOneUid) {
  IdFacts facts = good_ids();
  facts.sites[1].uid = Uid{20001};
  EXPECT_EQ(found_in(of(facts)), Texts{"warning ids uid 20001"});
  EXPECT_EQ(commands_of(of(facts)),
            Texts{"useradd --user-group --no-create-home --shell /usr/sbin/nologin b-example"});
}

TEST(DoctorOfIds, FindsUsersOfOneGroup) {
  IdFacts facts = good_ids();
  facts.sites[1].gid = Gid{20001};
  EXPECT_EQ(found_in(of(facts)), Texts{"warning ids gid 20001"});
}

TEST(DoctorOfIds, FindsASiteThatRunsAsTheServiceOrAsRoot) {
  for (const Uid uid : {Uid{0}, Uid{901}, Uid{902}}) {
    IdFacts facts = good_ids();
    facts.sites[1].uid = uid;
    EXPECT_EQ(found_in(of(facts)), Texts{"error ids b.example"}) << uid.value;
  }
}

TEST(DoctorOfIds, FindsASiteThatRunsAsASystemUser) {
  IdFacts facts = good_ids();
  facts.sites[1].uid = Uid{33};
  EXPECT_EQ(found_in(of(facts)), Texts{"warning ids b.example"});
}

TEST(DoctorOfIds, FindsPowerfulGroupsOfASite) {
  IdFacts facts = good_ids();
  facts.sites[0].groups = {Gid{6}};
  EXPECT_EQ(found_in(of(facts)), Texts{"error ids a.example"});
  EXPECT_EQ(commands_of(of(facts)), Texts{"gpasswd --delete alice disk"});
  facts.sites[0].groups = {Gid{4}};
  EXPECT_EQ(found_in(of(facts)), Texts{"warning ids a.example"});
}

TEST(DoctorOfIds, FindsPowerfulGroupsOfTheUserThatItsSiteHasNot) {
  IdFacts facts = good_ids();
  facts.accounts[0].account.groups = {Gid{6}};
  EXPECT_EQ(found_in(of(facts)), Texts{"warning ids user alice"});
  EXPECT_EQ(commands_of(of(facts)), Texts{"gpasswd --delete alice disk"});
}

TEST(DoctorOfIds, FindsSubordinateIdsThatAreASites) {
  for (const bool of_groups : {false, true}) {
    IdFacts facts = good_ids();
    facts.sub_ids.push_back({"mallory", 20002, 10, of_groups});
    EXPECT_EQ(found_in(of(facts)), Texts{"error ids user mallory"});
    EXPECT_EQ(commands_of(of(facts)),
              Texts{std::string("usermod --del-sub") + (of_groups ? "gids" : "uids") +
                    " 20002-20011 mallory"});
  }
  IdFacts facts = good_ids();
  facts.sub_ids = {{"mallory", 20003, 10, false}, {"mallory", 1000, 19'001, false}};
  EXPECT_EQ(found_in(of(facts)), Texts{}) << "on both sides of the sites'";
  facts.sub_ids = {{"mallory", 900, 2, false}};
  EXPECT_EQ(found_in(of(facts)), Texts{"error ids user mallory"}) << "the service's";
}

TEST(SubIds, AreReadAsNewuidmapReadsThem) {
  const auto all = parse_sub_ids("alice:100000:65536\n\n# comment\nbob:1:\n:5:5\n20001:7:1", true);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].owner, "alice");
  EXPECT_EQ(all[0].first, 100'000u);
  EXPECT_EQ(all[0].count, 65'536u);
  EXPECT_EQ(all[1].owner, "20001");
  EXPECT_TRUE(all[1].of_groups);
  for (const char* bad : {"a:-1:5", "a:1:4294967296", "a:1:2:3", "a:1:0", "a", "::"}) {
    EXPECT_TRUE(parse_sub_ids(bad, false).empty()) << bad;
  }
}

}  // namespace
}  // namespace perchild::test::doctor_ids_test
