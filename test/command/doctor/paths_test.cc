// Who could write on the way to a file.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "daemon/command/doctor/path_checks.h"
#include "test/command/doctor/diagnoses.h"
#include "test/support/temporary_directory.h"

namespace perchild::test::doctor_paths_test {
namespace {

PathStep step(std::string path, ::mode_t mode, ::uid_t uid = 0, ::gid_t gid = 0) {
  PathStep made{std::move(path)};
  made.status.st_mode = mode;
  made.status.st_uid = uid;
  made.status.st_gid = gid;
  return made;
}

PathFacts way_to_file(::mode_t folder, ::mode_t file) {
  return {.steps = {step("/", S_IFDIR | 0755), step("/a b", S_IFDIR | folder),
                    step("/a b/c", S_IFREG | file)}};
}

const PathTrust by_root{"files", "a file", "it matters"};

Diagnosis writers(const PathFacts& facts, const PathTrust& trust = by_root) {
  Diagnosis diagnosis;
  PathChecks checks(diagnosis);
  checks.check_writers("/a b/c", facts, trust);
  checks.check_writers("/a b/c", facts, trust);
  return diagnosis;
}

Diagnosis readers(const PathFacts& facts) {
  Diagnosis diagnosis;
  PathChecks(diagnosis).check_readers("/a b/c", facts, by_root);
  return diagnosis;
}

TEST(DoctorOfPaths, SaysNothingWhereOnlyRootWrites) {
  EXPECT_EQ(found_in(writers(way_to_file(0755, 0644))), Texts{});
  EXPECT_EQ(writers(way_to_file(0755, 0644)).in_order.size(), 1u);
}

TEST(DoctorOfPaths, FindsEachThatOthersWriteOnce) {
  EXPECT_EQ(found_in(writers(way_to_file(0775, 0644))), Texts{"error files '/a b'"});
  EXPECT_EQ(commands_of(writers(way_to_file(0775, 0644))), Texts{"chmod go-w '/a b'"});
  EXPECT_EQ(commands_of(writers(way_to_file(0757, 0666))), Texts{"chmod go-w '/a b'"})
      << "the rest once that is mended";
  EXPECT_EQ(commands_of(writers(way_to_file(0755, 0666))), Texts{"chmod go-w '/a b/c'"});
}

TEST(DoctorOfPaths, TheBitTProtectsWhatLiesInAFolderButNotTheLastOne) {
  EXPECT_EQ(found_in(writers(way_to_file(01777, 0644))), Texts{});
  PathFacts folder = way_to_file(01777, 0644);
  folder.steps.pop_back();
  EXPECT_EQ(found_in(writers(folder)), Texts{"error files '/a b'"});
}

TEST(DoctorOfPaths, FindsOwnersThatAreNeitherRootNorWhoMay) {
  PathFacts facts = way_to_file(0755, 0644);
  facts.steps[1].status.st_uid = 20001;
  EXPECT_EQ(commands_of(writers(facts)), Texts{"chown -h root '/a b'"});
  EXPECT_EQ(found_in(writers(facts, {"files", "a file", "", Uid{20001}})), Texts{});
  facts.steps[1].status.st_mode |= S_IWOTH;
  EXPECT_EQ(commands_of(writers(facts, {"files", "a file", "", Uid{20001}})),
            Texts{"setpriv --reuid=20001 --regid=0 --clear-groups -- chmod go-w '/a b'"});
}

TEST(DoctorOfPaths, LetsTheOwnersOwnGroupWrite) {
  PathFacts facts = way_to_file(0775, 0664);
  facts.steps[1].status.st_gid = facts.steps[2].status.st_gid = 20001;
  PathTrust trust = by_root;
  trust.own_group = Gid{20001};
  EXPECT_EQ(found_in(writers(facts, trust)), Texts{});
  trust.own_group = Gid{20002};
  EXPECT_EQ(writers(facts, trust).findings.size(), 1u);
}

TEST(DoctorOfPaths, FindsALinkOfSomebodyElses) {
  PathFacts facts = way_to_file(0755, 0644);
  facts.steps.insert(facts.steps.begin() + 1, step("/l", S_IFLNK | 0777));
  EXPECT_EQ(found_in(writers(facts)), Texts{});
  facts.steps[1].status.st_uid = 20001;
  EXPECT_EQ(commands_of(writers(facts)), Texts{"chown -h root /l"});
}

TEST(DoctorOfPaths, SaysWhatItCouldNotReach) {
  PathFacts facts = way_to_file(0755, 0644);
  facts.error = ENOENT;
  EXPECT_EQ(writers(facts).not_looked_at.at(0), "a file, '/a b/c': No such file or directory");
  EXPECT_TRUE(writers(facts).in_order.empty());
}

TEST(DoctorOfPaths, FindsWhoReadsASecret) {
  EXPECT_EQ(found_in(readers(way_to_file(0755, 0600))), Texts{});
  EXPECT_EQ(found_in(readers(way_to_file(0755, 0604))), Texts{"error files '/a b/c'"});
  EXPECT_EQ(commands_of(readers(way_to_file(0755, 0604))), Texts{"chmod o-rwx '/a b/c'"});
  EXPECT_EQ(found_in(readers(way_to_file(0700, 0604))), Texts{}) << "nobody comes by";
  PathFacts facts = way_to_file(0755, 0640);
  EXPECT_EQ(found_in(readers(facts)), Texts{}) << "root's own group";
  facts.steps.back().status.st_gid = 115;
  EXPECT_EQ(found_in(readers(facts)), Texts{"warning files '/a b/c'"});
}

TEST(PathFactsOfThisMachine, FollowLinksStepByStep) {
  const TemporaryDirectory folder;
  folder.write("real/inner/file", "x");
  std::filesystem::create_symlink("../real/./inner", folder.path() + "/real/link");
  std::filesystem::create_symlink(folder.path() + "/real", folder.path() + "/absolute");
  const PathFacts facts = look_along(folder.path() + "//absolute/link/file");
  EXPECT_EQ(facts.error, 0);
  Texts paths;
  for (const PathStep& each : facts.steps) {
    if (each.path.starts_with(folder.path() + "/")) paths.push_back(each.path);
  }
  const std::string base = folder.path();
  EXPECT_EQ(paths, (Texts{base + "/absolute", base + "/real", base + "/real/link", base + "/real",
                          base + "/real/inner", base + "/real/inner/file"}));
  EXPECT_TRUE(S_ISREG(facts.steps.back().status.st_mode));
}

TEST(PathFactsOfThisMachine, EndWhereALoopDoes) {
  const TemporaryDirectory folder;
  std::filesystem::create_symlink("loop", folder.path() + "/loop");
  EXPECT_EQ(look_along(folder.path() + "/loop").error, ELOOP);
  EXPECT_EQ(look_along(folder.path() + "/nothing/there").error, ENOENT);
}

}  // namespace
}  // namespace perchild::test::doctor_paths_test
