// Disks that sites can fill for others.
#include <gtest/gtest.h>

#include "daemon/command/doctor/disk_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_disks_test {
namespace {

constexpr std::uint64_t of_the_system = 1;
constexpr std::uint64_t of_homes = 2;

Texts found(const std::vector<SiteOnDisk>& sites) {
  Diagnosis diagnosis;
  check_disks({.sites = sites, .of_the_machine = {of_the_system}}, diagnosis);
  EXPECT_EQ(diagnosis.in_order.size(), diagnosis.findings.empty() ? 1u : 0u);
  return found_in(diagnosis);
}

TEST(DoctorOfDisks, FindsSitesThatShareOneWithoutAQuota) {
  EXPECT_EQ(found({{"a.example", Uid{1}, of_homes}, {"b.example", Uid{2}, of_homes}}),
            Texts{"note disks a.example and 1 more"});
  EXPECT_EQ(found({{"a.example", Uid{1}, of_homes, true}, {"b.example", Uid{2}, of_homes}}),
            Texts{"note disks b.example"});
  EXPECT_EQ(found({{"a.example", Uid{1}, of_homes, true}, {"b.example", Uid{2}, of_homes, true}}),
            Texts{});
}

TEST(DoctorOfDisks, FindsASiteThatSharesOneWithTheSystem) {
  EXPECT_EQ(found({{"a.example", Uid{1}, of_the_system}}), Texts{"note disks a.example"});
  EXPECT_EQ(found({{"a.example", Uid{1}, of_the_system, true}}), Texts{});
}

TEST(DoctorOfDisks, FindsNothingOfADiskThatIsOneUsers) {
  EXPECT_EQ(found({{"a.example", Uid{1}, of_homes}, {"a2.example", Uid{1}, of_homes}}), Texts{});
  EXPECT_EQ(found({}), Texts{});
}

// What this one says of quotas is asked for in test/guest, which has such.
TEST(DoctorOfDisks, LooksAtThoseThatHavePrograms) {
  Configuration configuration;
  configuration.log_dir = "/nowhere";
  EXPECT_TRUE(look_at_disks(configuration).sites.empty());
  EXPECT_EQ(look_at_disks(configuration).of_the_machine.size(), 1u);
}

}  // namespace
}  // namespace perchild::test::doctor_disks_test
