// Limits of memory, processes, cpu and io on the real service: whether it has the means to keep
// them, and where its processes live.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "test/support/in_child.h"
#include "test/support/own_mounts.h"
#include "test/support/spares.h"
#include "test/system/requests.h"
#include "test/system/upgrading.h"

namespace perchild::test::quota_test {
namespace {

constexpr const char* of_the_machine = "/sys/fs/cgroup";
constexpr const char* if_available = R"(, "mechanisms": { "cgroup": "if-available" })";

void mount_here(const char* type) {
  if (!have_own_mounts() || ::mount("none", of_the_machine, type, 0, nullptr) != 0) {
    throw std::runtime_error(std::string("mount ") + type);
  }
}

std::vector<SiteSpec> limited_sites() {
  return two_sites(R"(, "limits": { "memory": "64M", "processes": 8 })");
}

// In the place of a machine without control groups.
void hide_cgroups(const std::string&) {
  mount_here("tmpfs");
}

TEST(Quota, LimitsThatTheMachineCannotKeepStopTheStart) {
  try {
    const Server server({.sites = limited_sites(), .before_exec = hide_cgroups});
    FAIL() << "it serves";
  } catch (const std::exception& error) {
    EXPECT_TRUE(contains(error.what(), "limits of sites cannot be kept: find cgroup v2"))
        << error.what();
    EXPECT_TRUE(contains(error.what(), R"("mechanisms": {"cgroup": "if-available"})"));
  }
}

TEST(Quota, WhereThisIsPermittedItServesWithoutThemAndSaysSo) {
  Server server({.sites = limited_sites(), .more = if_available, .before_exec = hide_cgroups});
  EXPECT_EQ(ask(server, request("a.example")).status, 200);
  EXPECT_TRUE(contains(server.log(), "limits of sites cannot be kept"));
}

TEST(Quota, WithoutLimitsNoCgroupIsAskedFor) {
  Server server({.sites = two_sites(), .before_exec = hide_cgroups});
  EXPECT_EQ(ask(server, request("a.example")).status, 200);
  EXPECT_FALSE(contains(server.log(), "limits of sites"));
}

// What systemd does for a unit with Delegate=yes.
class DelegatedGroup : public testing::Test {
 protected:
  ~DelegatedGroup() override {
    in_child([this] {
      mount_here("cgroup2");
      remove_groups(path());
      return 0;
    });
  }
  std::function<void(const std::string&)> delegate(const char* mark) const {
    return [group = path(), mark](const std::string&) {
      mount_here("cgroup2");
      if (::mkdir(group.c_str(), 0755) != 0 || ::setxattr(group.c_str(), mark, "1", 1, 0) != 0) {
        throw std::runtime_error("make a delegated group");
      }
      write_file(group + "/cgroup.procs", "0");
    };
  }
  std::string path() const { return of_the_machine + ("/" + name_); }

  static void remove_groups(const std::string& path) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
      if (entry.is_directory()) remove_groups(entry.path());
    }
    ::rmdir(path.c_str());
  }

  const std::string name_ = "perchild-system-test-" + std::to_string(::getpid());
};

std::string cgroup_of(::pid_t pid) {
  return read_file("/proc/" + std::to_string(pid) + "/cgroup");
}

TEST_F(DelegatedGroup, EachSitesWorkersLiveInItsGroup) {
  Server server(
      {.sites = limited_sites(), .more = if_available, .before_exec = delegate("user.delegate")});
  for (const char* site : {"a.example", "b.example"}) {
    EXPECT_EQ(ask(server, request(site)).status, 200);
  }
  const std::string ours = "0::/" + name_ + "/perchild-" + std::to_string(server.master());
  EXPECT_TRUE(contains(cgroup_of(server.master()), ours + "/service\n"));
  EXPECT_TRUE(contains(cgroup_of(server.routers().at(0).pid), ours + "/service\n"));
  EXPECT_TRUE(contains(cgroup_of(server.workers_of(0).at(0).pid), ours + "/site-a.example\n"));
  EXPECT_TRUE(contains(cgroup_of(server.workers_of(1).at(0).pid), ours + "/site-b.example\n"));
}

TEST_F(DelegatedGroup, ASpareComesToLiveThereWithWhatItHasLoaded) {
  const Server server({.sites = {{"a.example",
                                  {{"x.php", "<?php echo file_get_contents('/proc/self/cgroup');"}},
                                  R"(, "php": true, "limits": { "processes": 100 })"}},
                       .more = std::string(if_available) + R"(, "child_groups": { "spares": 1 })",
                       .before_exec = delegate("user.delegate")});
  ASSERT_TRUE(has_spares(server, 1));
  const ProcessFacts spare = server.spares().at(0);
  EXPECT_TRUE(contains(cgroup_of(spare.pid), "/service\n"));
  EXPECT_TRUE(contains(get(server.port(), "a.example", "/x.php").body, "/site-a.example\n"));
  EXPECT_EQ(server.runners_of(0).at(0).pid, spare.pid);
  EXPECT_TRUE(contains(cgroup_of(spare.pid), "/site-a.example\n"));
}

TEST_F(DelegatedGroup, TheGroupsOfSitesAreGoneWhenTheServiceHasStopped) {
  Server server(
      {.sites = limited_sites(), .more = if_available, .before_exec = delegate("user.delegate")});
  EXPECT_EQ(ask(server, request("a.example")).status, 200);
  EXPECT_EQ(server.stop(), 0);
  const auto left = in_child([this] {
    mount_here("cgroup2");
    int groups = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
      if (entry.path().filename().string().starts_with("site-")) ++groups;
    }
    return groups;
  });
  EXPECT_EQ(left.status, 0);
}

// Both at once are held to the limits of the site.
TEST_F(DelegatedGroup, ASuccessorsProcessesLiveInTheSameGroups) {
  Server server(
      {.sites = limited_sites(), .more = if_available, .before_exec = delegate("user.delegate")});
  EXPECT_EQ(ask(server, request("a.example")).status, 200);
  const std::string of_service = cgroup_of(server.master());
  const std::string of_site = cgroup_of(server.workers_of(0).at(0).pid);
  const Stranger successor(successor_in(upgrade(server).output));
  EXPECT_EQ(cgroup_of(successor.pid()), of_service);
  EXPECT_EQ(server.stop(), 0);
  EXPECT_EQ(ask(server, request("a.example")).status, 200);
  const std::string pid = std::to_string(successor.pid());
  std::istringstream children(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  bool in_group = false;
  for (::pid_t child; children >> child;) in_group |= cgroup_of(child) == of_site;
  EXPECT_TRUE(in_group);
}

TEST_F(DelegatedGroup, AGroupThatNobodyDelegatedIsNotTouched) {
  Server server({.sites = limited_sites(),
                 .more = if_available,
                 .before_exec = delegate("user.perchild-test")});
  EXPECT_EQ(ask(server, request("a.example")).status, 200);
  EXPECT_TRUE(contains(server.log(), name_ + ", which is not delegated to this service"));
  EXPECT_TRUE(contains(cgroup_of(server.workers_of(0).at(0).pid), "0::/" + name_ + "\n"));
}

}  // namespace
}  // namespace perchild::test::quota_test
