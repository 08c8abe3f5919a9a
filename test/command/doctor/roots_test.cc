// What is said of a site's root.
#include "daemon/command/doctor/roots.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_roots_test {
namespace {

Site site() {
  return {.hosts = {*HostPattern::parse("a.example")},
          .uid = *TenantUid::make(Uid{20001}, {20000, 20999}),
          .gid = Gid{20001},
          .groups = {},
          .root = "/home/a/w w",
          .content = {},
          .timeouts = {},
          .limits = {}};
}

PathFacts way(::mode_t home, ::mode_t root) {
  PathFacts facts;
  for (const auto& [path, mode, uid] : {std::tuple("/", ::mode_t{0755}, ::uid_t{0}),
                                        std::tuple("/home", ::mode_t{0755}, ::uid_t{0}),
                                        std::tuple("/home/a", home, ::uid_t{20001}),
                                        std::tuple("/home/a/w w", root, ::uid_t{20001})}) {
    PathStep step{path};
    step.status.st_mode = S_IFDIR | mode;
    step.status.st_uid = uid;
    facts.steps.push_back(step);
  }
  return facts;
}

Diagnosis openness(::mode_t home, ::mode_t root) {
  Diagnosis diagnosis;
  check_openness(site(), way(home, root), diagnosis);
  return diagnosis;
}

TEST(DoctorOfRoots, FindsTheFirstFolderOfTheUsersThatIsOpen) {
  EXPECT_EQ(found_in(openness(0700, 0755)), Texts{});
  EXPECT_EQ(found_in(openness(0750, 0755)), Texts{});
  EXPECT_EQ(found_in(openness(0755, 0755)), Texts{"warning roots /home/a"});
  EXPECT_EQ(commands_of(openness(0711, 0700)),
            Texts{"setpriv --reuid=20001 --regid=20001 --clear-groups -- chmod o-rwx -- /home/a"});
}

TEST(DoctorOfRoots, AsksForPassageOfEveryFolder) {
  EXPECT_TRUE(passage_of(way(0755, 0711)).others);
  EXPECT_FALSE(passage_of(way(0750, 0755)).others);
  EXPECT_TRUE(passage_of(way(0750, 0755)).groups);
  EXPECT_FALSE(passage_of(way(0755, 0700)).groups);
}

Diagnosis root_with(Trouble trouble, std::uint64_t count = 1) {
  RootReport report{.names = 10};
  report.found[static_cast<std::size_t>(trouble)] = {count, {{"x/it's\n", 0644, 5}}};
  Diagnosis diagnosis;
  check_root(site(), report, {}, diagnosis);
  return diagnosis;
}

TEST(DoctorOfRoots, SaysNothingOfAGoodOne) {
  Diagnosis diagnosis;
  check_root(site(), {.names = 10}, {}, diagnosis);
  EXPECT_EQ(found_in(diagnosis), Texts{});
  EXPECT_EQ(diagnosis.in_order, Texts{"roots: 10 names in '/home/a/w w'"});
}

TEST(DoctorOfRoots, HasASeverityAndACommandOfTheUsersForEachTrouble) {
  const std::string as_user = "setpriv --reuid=20001 --regid=20001 --clear-groups -- ";
  const std::string word = "$'/home/a/w w/x/it\\'s\\x0a'";
  for (const auto& [trouble, severity, command] :
       {std::tuple(Trouble::written_by_others, "error", "chmod o-w -- "),
        std::tuple(Trouble::written_by_group, "warning", "chmod g-w -- "),
        std::tuple(Trouble::secret_is_read, "error", "chmod go-rwx -- "),
        std::tuple(Trouble::secret_is_read_by_group, "warning", "chmod go-rwx -- "),
        std::tuple(Trouble::setuid, "warning", "chmod ug-s -- "),
        std::tuple(Trouble::shared_name, "warning", "rm -- "),
        std::tuple(Trouble::leads_out, "note", "rm -- ")}) {
    EXPECT_EQ(found_in(root_with(trouble)), Texts{std::string(severity) + " roots " + word});
    EXPECT_EQ(commands_of(root_with(trouble)), Texts{as_user + command + word});
  }
  EXPECT_EQ(found_in(root_with(Trouble::of_another_user)), Texts{"note roots " + word});
}

TEST(DoctorOfRoots, SaysHowManyThereAre) {
  EXPECT_NE(root_with(Trouble::setuid, 900).findings[0].wrong.find("one of 900"),
            std::string::npos);
}

TEST(DoctorOfRoots, SaysWhereItEnded) {
  RootReport report{.end = RootReport::End::names, .names = 10, .closed = 2};
  Diagnosis diagnosis;
  check_root(site(), report, {}, diagnosis);
  EXPECT_EQ(diagnosis.not_looked_at.size(), 2u);
}

}  // namespace
}  // namespace perchild::test::doctor_roots_test
