#include "privsep/process_status.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

namespace perchild::test::process_status_test {
namespace {

struct Line {
  const char* name;
  const char* value;
};
// As the kernel prints them; the ones that are not looked at stand between.
const Line lines[] = {{"Name", "perchild-worker"},
                      {"State", "S (sleeping)"},
                      {"Uid", "20001\t20001\t20001\t20001"},
                      {"Gid", "20002\t20002\t20002\t20002"},
                      {"Groups", "20007 20003 "},
                      {"NStgid", "1"},
                      {"NSpid", "77\t1"},
                      {"Threads", "1"},
                      {"SigQ", "0/1"},
                      {"CapInh", "0000000000000001"},
                      {"CapPrm", "0000000000000002"},
                      {"CapEff", "000001ffffffffff"},
                      {"CapBnd", "ffffffffffffffff"},
                      {"CapAmb", "0000000000000004"},
                      {"NoNewPrivs", "1"},
                      {"Seccomp", "2"},
                      {"Seccomp_filters", "3"}};
const char* const needed[] = {"Uid",     "Gid",        "Groups",  "CapInh",
                              "CapPrm",  "CapEff",     "CapBnd",  "CapAmb",
                              "Threads", "NoNewPrivs", "Seccomp", "Seccomp_filters"};

// The file with the line `name` written as `value` instead; without it, if `value` is nullptr.
std::string text_with(std::string_view name = "", const char* value = "") {
  std::string text;
  for (const Line& line : lines) {
    const char* const written = name == line.name ? value : line.value;
    if (written != nullptr) text += std::string(line.name) + ":\t" + written + "\n";
  }
  return text;
}

TEST(ProcessStatusParsing, TakesEveryFieldFromItsLine) {
  const auto status = parse_process_status(text_with());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->uids, std::vector<std::uint32_t>(4, 20001));
  EXPECT_EQ(status->gids, std::vector<std::uint32_t>(4, 20002));
  EXPECT_EQ(status->groups, (std::vector<std::uint32_t>{20003, 20007}));
  EXPECT_EQ(status->inheritable, 1u);
  EXPECT_EQ(status->permitted, 2u);
  EXPECT_EQ(status->effective, 0x1ff'ffff'ffffu);
  EXPECT_EQ(status->bounding, ~CapabilityMask{0});
  EXPECT_EQ(status->ambient, 4u);
  EXPECT_EQ(status->pids, (std::vector<std::uint32_t>{77, 1}));
  EXPECT_EQ(status->threads, 1u);
  EXPECT_EQ(status->no_new_privs, 1u);
  EXPECT_EQ(status->seccomp_mode, 2u);
  EXPECT_EQ(status->seccomp_filters, 3u);
}

TEST(ProcessStatusParsing, AKernelWithoutPidNamespacesIsUnderstoodToo) {
  const auto status = parse_process_status(text_with("NSpid", nullptr));
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->pids.empty());
  EXPECT_FALSE(parse_process_status(text_with("NSpid", "x")));
}

TEST(ProcessStatusParsing, NoGroupsAreNone) {
  const auto status = parse_process_status(text_with("Groups", " "));
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->groups.empty());
}

TEST(ProcessStatusParsing, AMissingLineIsNotUnderstood) {
  for (const char* name : needed) {
    EXPECT_FALSE(parse_process_status(text_with(name, nullptr))) << name;
  }
  EXPECT_FALSE(parse_process_status(""));
}

TEST(ProcessStatusParsing, ALineThatIsNotOfItsKindIsNotUnderstood) {
  for (const char* name : needed) {
    for (const char* value : {"x", "1x", "-1", "1 x", "99999999999999999999999", "0x1", "1,2"}) {
      EXPECT_FALSE(parse_process_status(text_with(name, value))) << name << " " << value;
    }
  }
  for (const char* name : needed) {
    if (std::string_view(name) == "Groups") continue;
    for (const char* value : {"", "1 1 1 1 1", "1 1"}) {
      EXPECT_FALSE(parse_process_status(text_with(name, value))) << name << " " << value;
    }
  }
  EXPECT_FALSE(parse_process_status(text_with("Uid", "1 1 1")));
  EXPECT_FALSE(parse_process_status(text_with("Uid", "1 1 1 4294967296")));
}

TEST(ProcessStatusParsing, ANameThatImitatesALineDoesNotCount) {
  // prctl(PR_SET_NAME) is the process's own choice; the kernel escapes line ends in it.
  const auto status = parse_process_status(text_with("Name", "Uid:\\n0 CapEff:0 Uid:\t0\t0\t0\t0"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->uids, std::vector<std::uint32_t>(4, 20001));
}

TEST(ProcessStatusReading, ReadsThisVeryProcess) {
  const auto status = read_process_status(::getpid());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->uids, std::vector<std::uint32_t>(4, ::getuid()));
  EXPECT_GE(status->threads, 1u);
}

TEST(ProcessStatusReading, AProcessThatDoesNotExistIsAnError) {
  EXPECT_FALSE(read_process_status(0x7fff'ffff));
}

constexpr std::uint32_t filters = 2;
const Identity worker_identity{Uid{20001}, Gid{20002}, {Gid{20007}, Gid{20003}}};

ProcessStatus locked_down(Role role) {
  const RolePolicy& policy = policy_of(role);
  return {.uids = std::vector<std::uint32_t>(4, 20001),
          .gids = std::vector<std::uint32_t>(4, 20002),
          .groups = {20003, 20007},
          .inheritable = policy.capabilities,
          .permitted = policy.capabilities,
          .effective = policy.capabilities,
          .bounding = policy.bounding_set,
          .ambient = policy.capabilities,
          .pids = policy.own_namespaces ? std::vector<std::uint32_t>{77, 1}
                                        : std::vector<std::uint32_t>{77},
          .threads = 1,
          .no_new_privs = 1,
          .seccomp_mode = 2,
          .seccomp_filters = filters};
}

class DifferenceFromPolicy : public ::testing::TestWithParam<Role> {};

TEST_P(DifferenceFromPolicy, ThereIsNoneWhereAllIsAsItShouldBe) {
  EXPECT_EQ(difference_from_policy(locked_down(GetParam()), GetParam(), worker_identity, filters),
            std::nullopt);
}

TEST_P(DifferenceFromPolicy, EachFieldAloneMakesOne) {
  using Change = std::function<void(ProcessStatus&)>;
  struct Named {
    const char* name;
    Change change;
  };
  std::vector<Named> changes{
      {"supplementary", [](ProcessStatus& s) { s.groups.push_back(20009); }},
      {"supplementary", [](ProcessStatus& s) { s.groups.clear(); }},
      {"supplementary", [](ProcessStatus& s) { s.groups.front() = 0; }},
      {"Threads", [](ProcessStatus& s) { s.threads = 2; }},
      {"NoNewPrivs", [](ProcessStatus& s) { s.no_new_privs = 0; }},
      {"Seccomp", [](ProcessStatus& s) { s.seccomp_mode = 0; }},
      {"Seccomp_filters", [](ProcessStatus& s) { --s.seccomp_filters; }},
      {"Seccomp_filters", [](ProcessStatus& s) { ++s.seccomp_filters; }},
  };
  if (policy_of(GetParam()).own_namespaces) {
    changes.push_back({"first process", [](ProcessStatus& s) { s.pids = {77}; }});
    changes.push_back({"first process", [](ProcessStatus& s) { s.pids = {77, 2}; }});
    changes.push_back({"first process", [](ProcessStatus& s) { s.pids = {1}; }});
    changes.push_back({"first process", [](ProcessStatus& s) { s.pids.clear(); }});
  }
  for (std::size_t i = 0; i < 4; ++i) {
    for (const std::uint32_t id : {0U, 20009U}) {
      changes.push_back({"uid", [i, id](ProcessStatus& s) { s.uids[i] = id; }});
      changes.push_back({"gid", [i, id](ProcessStatus& s) { s.gids[i] = id; }});
    }
  }
  for (int bit = 0; bit < 64; ++bit) {
    const CapabilityMask one = CapabilityMask{1} << bit;
    changes.push_back({"CapInh", [one](ProcessStatus& s) { s.inheritable ^= one; }});
    changes.push_back({"CapPrm", [one](ProcessStatus& s) { s.permitted ^= one; }});
    changes.push_back({"CapEff", [one](ProcessStatus& s) { s.effective ^= one; }});
    changes.push_back({"CapBnd", [one](ProcessStatus& s) { s.bounding ^= one; }});
    changes.push_back({"CapAmb", [one](ProcessStatus& s) { s.ambient ^= one; }});
  }
  for (const Named& named : changes) {
    ProcessStatus status = locked_down(GetParam());
    named.change(status);
    const auto difference = difference_from_policy(status, GetParam(), worker_identity, filters);
    ASSERT_TRUE(difference) << named.name;
    EXPECT_NE(difference->find(named.name), std::string::npos) << *difference;
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachRole, DifferenceFromPolicy,
                         ::testing::Values(Role::master, Role::router, Role::worker, Role::checker,
                                           Role::keeper, Role::exporter, Role::runner),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace perchild::test::process_status_test
