// Control groups: on the kernel's own where it matters who may do what, on a folder of plain files
// where it matters what is written and read. Controllers are not needed: the machine that runs this
// may have given all of them to version 1.
#include "privsep/cgroup.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "privsep/capabilities.h"
#include "privsep/spawn.h"
#include "test/privsep/service_namespace.h"
#include "test/support/in_child.h"
#include "test/support/own_mounts.h"

namespace perchild::test::cgroup_test {
namespace {

constexpr Gid master{master_uid};
constexpr int open_directory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

// A group of the test's own, as a service manager gives one, in a mount that its child alone sees.
class CgroupTree : public testing::Test {
 protected:
  ~CgroupTree() override {
    in_child([&] {
      if (!mount()) return 1;
      remove_groups(top());
      return 0;
    });
  }

  // In a child.
  bool mount() const {
    return have_own_mounts() && ::mount("none", folder_.path().c_str(), "cgroup2", 0, nullptr) == 0;
  }
  std::string top() const { return folder_.path() + name_; }
  UniqueFd make_top() const {
    ::mkdir(top().c_str(), 0755);
    return UniqueFd(::open(top().c_str(), open_directory));
  }
  static void remove_groups(const std::string& path) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
      if (entry.is_directory()) remove_groups(entry.path());
    }
    ::rmdir(path.c_str());
  }

  const TemporaryDirectory folder_;
  const std::string name_ = "/perchild-test-" + std::to_string(::getpid());
};

// Whether it is root's and, where `mode` lets a group write, the master's group.
bool has_mode(BorrowedFd directory, const char* name, ::mode_t mode) {
  struct ::stat facts {};
  return ::fstatat(directory.get(), name, &facts, 0) == 0 && facts.st_uid == 0 &&
         facts.st_gid == ((mode & S_IWGRP) != 0 ? master.value : 0) &&
         (facts.st_mode & 07777U) == mode;
}

TEST_F(CgroupTree, TheMasterIsGivenTheGroupOfTheSitesAndNothingElse) {
  const auto delegate = [&] {
    if (!mount()) return 10;
    ::umask(0077);  // as under the unit, which also takes all capabilities but these
    const UniqueFd own = make_top();
    if (!keep_only_capabilities(CapabilityMask{1} << CAP_SETUID | CapabilityMask{1} << CAP_SETGID))
      return 12;
    const auto delegated = delegate_cgroup(own.borrow(), master);
    if (!delegated) return 11;
    const BorrowedFd sites = delegated->directory.borrow();
    if (!has_mode(sites, ".", 0775)) return 1;
    if (!has_mode(sites, "cgroup.procs", 0664)) return 2;
    if (!has_mode(sites, "cgroup.subtree_control", 0644)) return 3;
    if (!has_mode(sites, "service/cgroup.procs", 0644)) return 4;
    if (!has_mode(own.borrow(), "cgroup.subtree_control", 0644)) return 5;
    if (!has_mode(own.borrow(), "cgroup.procs", 0644)) return 6;
    if (::getegid() != 0) return 8;
    // This process has moved out of the way.
    const std::string where = read_file("/proc/self/cgroup");
    return where.find(name_ + "/perchild-" + std::to_string(::getpid()) + "/service\n") !=
                   std::string::npos
               ? 0
               : 7;
  };
  EXPECT_EQ(in_child(delegate).status, 0);
}

TEST_F(CgroupTree, AnotherServiceJoinsTheOneThatIsThere) {
  const auto join = [&] {
    if (!mount()) return 10;
    const auto delegated = delegate_cgroup(make_top().borrow(), master);
    if (!delegated) return 11;
    const std::string joined = read_file("/proc/self/cgroup");
    if (!join_cgroup(make_top().borrow())) return 12;
    if (read_file("/proc/self/cgroup") == joined) return 13;
    if (!join_service_group(delegated->directory.borrow())) return 1;
    return read_file("/proc/self/cgroup") == joined ? 0 : 2;
  };
  EXPECT_EQ(in_child(join).status, 0);
}

// A master that has been taken over can make one that looks like it.
TEST(ServiceGroup, RootWritesIntoNoFolderThatIsNone) {
  const TemporaryDirectory folder;
  ::mkdir((folder.path() + "/service").c_str(), 0755);
  folder.write("service/cgroup.procs", "as it was");
  const UniqueFd directory(::open(folder.path().c_str(), open_directory));
  EXPECT_FALSE(join_service_group(directory.borrow()));
  EXPECT_EQ(read_file(folder.path() + "/service/cgroup.procs"), "as it was");
}

TEST_F(CgroupTree, AChildStartsInItsSitesGroupAndWithoutOneInTheServices) {
  const TemporaryDirectory results;
  const std::string path = results.write("out", "", 0666);
  const UniqueFd out(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const UniqueFd script(
      ::open(results.write("script", "cat /proc/$$/cgroup\n").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd shell(::open("/bin/sh", O_PATH | O_CLOEXEC));
  const auto start = [&] {
    if (!mount()) return 10;
    const auto delegated = delegate_cgroup(make_top().borrow(), master);
    if (!delegated || !become_master()) return 11;
    const auto group = make_site_cgroup(delegated->directory.borrow(), "a.example", {}, 0);
    if (!group) return 12;
    SpawnPlan plan{.role = Role::worker,
                   .identity = tenant(),
                   .executable = shell.borrow(),
                   .title = "perchild-test",
                   .fds = {{script.borrow(), 0}, {out.borrow(), 1}, {out.borrow(), 2}}};
    for (const bool grouped : {true, false}) {
      ::lseek(script.get(), 0, SEEK_SET);
      plan.cgroup = grouped ? std::optional(group->borrow()) : std::nullopt;
      const auto spawned = spawn(plan);
      int status = 0;
      if (!spawned || ::waitpid(spawned->pid, &status, 0) < 0 || status != 0) return 13;
    }
    return 0;
  };
  ASSERT_EQ(in_child(start).status, 0);
  const std::string seen = read_file(path);
  const std::size_t in_site = seen.find("/site-a.example\n");
  ASSERT_NE(in_site, std::string::npos) << seen;
  EXPECT_NE(seen.find("/service\n", in_site), std::string::npos) << seen;
}

TEST_F(CgroupTree, AChildThatDropsAfterItsExecIsPutIntoItsSitesGroupThen) {
  const TemporaryDirectory folder;
  const UniqueFd script(
      ::open(folder.write("script", "until grep -q /site-a /proc/$$/cgroup; do :; done\n").c_str(),
             O_RDONLY | O_CLOEXEC));
  const UniqueFd shell(::open("/bin/sh", O_PATH | O_CLOEXEC));
  EXPECT_EQ(in_child([&] {
              if (!mount()) return 10;
              const auto delegated = delegate_cgroup(make_top().borrow(), master);
              if (!delegated || !become_master()) return 11;
              const auto group = make_site_cgroup(delegated->directory.borrow(), "a", {}, 0);
              if (!group) return 12;
              const auto spawned = spawn({.role = Role::worker,
                                          .identity = {},
                                          .executable = shell.borrow(),
                                          .title = "perchild-test",
                                          .fds = {{script.borrow(), 0}},
                                          .cgroup = group->borrow(),
                                          .drops_after_exec = true});
              int status = 0;
              if (!spawned || ::waitpid(spawned->pid, &status, 0) < 0) return 13;
              return status == 0 ? 0 : 14;
            }).status,
            0);
}

TEST_F(CgroupTree, ATenantCannotMoveOutOfItsGroup) {
  const auto move_as = [&](::uid_t uid) {
    return in_child([&] {
             if (!mount()) return 10;
             const auto delegated = delegate_cgroup(make_top().borrow(), master);
             if (!delegated) return 11;
             const BorrowedFd sites = delegated->directory.borrow();
             const auto a = make_site_cgroup(sites, "a.example", {}, 0);
             const auto b = make_site_cgroup(sites, "b.example", {}, 0);
             if (!a || !b || !join_cgroup(a->borrow())) return 12;
             if (::setgid(uid) != 0 || ::setuid(uid) != 0) return 13;
             return join_cgroup(b->borrow()) ? 0 : 1;
           })
        .status;
  };
  EXPECT_EQ(move_as(uid_a), 1);
  EXPECT_EQ(move_as(0), 0) << "the control";
}

TEST_F(CgroupTree, AGroupIsRemovedWhenNobodyIsInIt) {
  const auto remove = [&] {
    if (!mount()) return 10;
    const auto delegated = delegate_cgroup(make_top().borrow(), master);
    if (!delegated) return 11;
    const BorrowedFd sites = delegated->directory.borrow();
    for (const char* site : {"empty.example", "used.example"}) {
      if (!make_site_cgroup(sites, site, {}, 0)) return 12;
    }
    const auto used = make_site_cgroup(sites, "used.example", {}, 0);
    if (!used || !join_cgroup(used->borrow())) return 13;
    if (!remove_site_cgroup(sites, "empty.example")) return 3;
    if (remove_site_cgroup(sites, "used.example")) return 4;
    if (read_cgroup_usage(sites, "empty.example")) return 1;
    return read_cgroup_usage(sites, "used.example") ? 0 : 2;
  };
  EXPECT_EQ(in_child(remove).status, 0);
}

TEST_F(CgroupTree, WhatAnEarlierServiceLeftIsRemovedUnlessItLives) {
  const auto start_again = [&] {
    if (!mount()) return 10;
    const UniqueFd own = make_top();
    for (const char* name : {"/perchild-1", "/perchild-1/service", "/perchild-1/site-a.example",
                             "/perchild-2", "/perchild-2/service", "/perchild-2/site-a.example"}) {
      if (::mkdir((top() + name).c_str(), 0755) != 0) return 11;
    }
    // Of the second one a process runs.
    int ends[2];
    if (::pipe(ends) != 0) return 12;
    const UniqueFd service(::open((top() + "/perchild-2/service").c_str(), open_directory));
    if (!join_cgroup(service.borrow())) return 13;
    const ::pid_t pid = ::fork();
    if (pid == 0) {
      char byte;
      ::close(ends[1]);
      ::_exit(::read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    const bool delegated = delegate_cgroup(own.borrow(), master).has_value();
    const bool first = ::access((top() + "/perchild-1").c_str(), F_OK) == 0;
    const bool second = ::access((top() + "/perchild-2/site-a.example").c_str(), F_OK) == 0;
    ::close(ends[1]);
    ::waitpid(pid, nullptr, 0);
    return !delegated ? 14 : first ? 1 : second ? 0 : 2;
  };
  EXPECT_EQ(in_child(start_again).status, 0);
}

// A site's group as plain files.
class CgroupFiles : public testing::Test {
 protected:
  CgroupFiles() : fd_(::open(folder_.path().c_str(), open_directory)) {
    for (const char* name : {"memory.max", "pids.max", "cpu.max", "io.max"}) put(name, "");
  }
  void put(const std::string& name, const std::string& text) const {
    folder_.write("site-a.example/" + name, text);
  }
  std::string get(const std::string& name) const {
    return read_file(folder_.path() + "/site-a.example/" + name);
  }
  bool make(const CgroupLimits& limits, ControllerMask controllers) const {
    return make_site_cgroup(fd_.borrow(), "a.example", limits, controllers).has_value();
  }

  const TemporaryDirectory folder_;
  const UniqueFd fd_;
};

TEST_F(CgroupFiles, LimitsAreWrittenAsTheKernelReadsThem) {
  const SiteQuota quota{.memory = 512ULL << 20, .processes = 64, .cpu_percent = 150, .io = 1 << 20};
  ASSERT_TRUE(make({quota, {8, 16}}, every_controller));
  EXPECT_EQ(get("memory.max"), "536870912");
  EXPECT_EQ(get("pids.max"), "64");
  EXPECT_EQ(get("cpu.max"), "150000 100000");
  EXPECT_EQ(get("io.max"), "8:16 rbps=1048576 wbps=1048576");
}

TEST_F(CgroupFiles, WhatIsNotLimitedIsSetBack) {
  ASSERT_TRUE(make({{}, {8, 16}}, every_controller));
  EXPECT_EQ(get("memory.max"), "max");
  EXPECT_EQ(get("pids.max"), "max");
  EXPECT_EQ(get("cpu.max"), "max 100000");
  EXPECT_EQ(get("io.max"), "8:16 rbps=max wbps=max");
}

TEST_F(CgroupFiles, OnlyTheControllersThatAreThereAreTold) {
  ASSERT_TRUE(make({{.memory = 1 << 20, .processes = 5}, {}}, pids_controller));
  EXPECT_EQ(get("memory.max"), "");
  EXPECT_EQ(get("pids.max"), "5");
}

TEST_F(CgroupFiles, ALimitThatCannotBeWrittenIsAnError) {
  ASSERT_EQ(::unlink((folder_.path() + "/site-a.example/memory.max").c_str()), 0);
  EXPECT_FALSE(make({{.memory = 1 << 20}, {}}, memory_controller));
}

TEST_F(CgroupFiles, AHostCalledLikeAFileOfTheKernelsGetsAGroup) {
  folder_.write("memory.max", "");
  const auto group = make_site_cgroup(fd_.borrow(), "memory.max", {}, 0);
  EXPECT_TRUE(group.has_value());
}

TEST_F(CgroupFiles, UsageIsReadFromWhatTheKernelWrites) {
  put("memory.current", "1048576\n");
  put("memory.events", "low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 0\n");
  put("pids.current", "5\n");
  put("pids.events", "max 9\n");
  put("cpu.stat",
      "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 10\nnr_throttled 4\n"
      "throttled_usec 700\n");
  put("io.stat",
      "8:16 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n"
      "8:0 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n");
  const auto usage = read_cgroup_usage(fd_.borrow(), "a.example");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->memory, 1'048'576U);
  EXPECT_EQ(usage->memory_at_max, 17U);
  EXPECT_EQ(usage->killed, 2U);
  EXPECT_EQ(usage->processes, 5U);
  EXPECT_EQ(usage->forks_refused, 9U);
  EXPECT_EQ(usage->cpu_us, 1500U);
  EXPECT_EQ(usage->periods_throttled, 4U);
  EXPECT_EQ(usage->throttled_us, 700U);
  EXPECT_EQ(usage->read_bytes, 101U);
  EXPECT_EQ(usage->written_bytes, 22U);
}

TEST_F(CgroupFiles, WhatAMissingControllerDoesNotTellIsZero) {
  put("memory.events", "nonsense");
  const auto usage = read_cgroup_usage(fd_.borrow(), "a.example");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->memory, 0U);
  EXPECT_EQ(usage->killed, 0U);
  EXPECT_FALSE(read_cgroup_usage(fd_.borrow(), "b.example"));
}

TEST(ControllersOf, AQuotaAreThoseThatKeepIt) {
  EXPECT_EQ(controllers_of({}), 0);
  EXPECT_EQ(controllers_of({.memory = 1}), memory_controller);
  EXPECT_EQ(controllers_of({.processes = 1}), pids_controller);
  EXPECT_EQ(controllers_of({.cpu_percent = 1}), cpu_controller);
  EXPECT_EQ(controllers_of({.io = 1}), io_controller);
  EXPECT_EQ(names_of(every_controller), "cpu, io, memory, pids");
  EXPECT_EQ(names_of(0), "");
}

}  // namespace
}  // namespace perchild::test::cgroup_test
