// Processes compared with their policies: one that is as it should be, and each thing that differs.
#include <gtest/gtest.h>

#include <functional>

#include "daemon/command/doctor/process_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_processes_test {
namespace {

constexpr std::uint32_t master_id = 901, router_id = 902, keeper_id = 903, spare_id = 904,
                        site_id = 20001;

ExpectedService expected() {
  return {.master = {Uid{master_id}, Gid{master_id}},
          .router = {Uid{router_id}, Gid{router_id}},
          .keeper = Identity{Uid{keeper_id}, Gid{keeper_id}},
          .spare = Identity{Uid{spare_id}, Gid{spare_id}},
          .sites = {{"a.example", {Uid{site_id}, Gid{site_id}, {Gid{20100}}}}},
          .users_of_host = "user:[1]"};
}

ProcessFacts process_of(Role role) {
  const RolePolicy& policy = policy_of(role);
  const std::uint32_t id = role == Role::master   ? master_id
                           : role == Role::router ? router_id
                           : role == Role::keeper ? keeper_id
                           : role == Role::spare  ? spare_id
                                                  : site_id;
  ProcessFacts facts{.pid = 100 + static_cast<int>(role), .depth = role == Role::master ? 0 : 1};
  facts.executable.name = executable_of(role);
  facts.status.uids = facts.status.gids = {id, id, id, id};
  if (id == site_id) facts.status.groups = {20100};
  facts.status.permitted = facts.status.effective = facts.status.inheritable =
      facts.status.ambient = policy.capabilities;
  facts.status.bounding = policy.bounding_set;
  facts.status.threads = facts.status.no_new_privs = 1;
  facts.status.seccomp_mode = 2;
  facts.status.seccomp_filters = role == Role::master || role == Role::spare ? 3 : 4;
  facts.namespaces = {"user:[2]", "pid:[1]", "mnt:[1]", "ipc:[1]", "net:[1]"};
  facts.status.pids = {static_cast<std::uint32_t>(facts.pid)};
  if (policy.own_namespaces) {
    facts.namespaces = {"user:[3]", "pid:[3]", "mnt:[3]", "ipc:[3]", "net:[1]"};
    facts.status.pids.push_back(1);
  }
  facts.limits = {policy.limits.open_files,   policy.limits.processes,
                  policy.limits.file_size,    policy.limits.core_size,
                  policy.limits.queued_bytes, policy.limits.locked_memory};
  facts.held = {{0, DescriptorKind::null, "/dev/null"}, {3, DescriptorKind::socket, "socket:[9]"}};
  return facts;
}

ProcessFacts program() {
  ProcessFacts facts = process_of(Role::runner);
  facts.depth = 2;
  facts.executable.name = "php-cgi8.2";
  facts.is_dumpable = true;
  facts.status.threads = 5;
  facts.held.push_back({5, DescriptorKind::other, "/dev/urandom"});
  return facts;
}

Texts wrong_with(const ProcessFacts& process) {
  Texts all;
  for (const Difference& each : differences_of(process, process_of(Role::master), expected())) {
    all.push_back(each.wrong);
  }
  return all;
}

class DoctorOfARole : public ::testing::TestWithParam<Role> {};

TEST_P(DoctorOfARole, FindsNothingWrongWithOneThatIsAsItsPolicySays) {
  EXPECT_EQ(wrong_with(process_of(GetParam())), Texts{});
}

TEST_P(DoctorOfARole, FindsEachThingThatHasChanged) {
  const std::pair<const char*, std::function<void(ProcessFacts&)>> changes[] = {
      {"uid", [](ProcessFacts& facts) { facts.status.uids[2] = 0; }},
      {"gid", [](ProcessFacts& facts) { facts.status.gids[1] = 0; }},
      {"groups", [](ProcessFacts& facts) { facts.status.groups.push_back(27); }},
      {"CapEff", [](ProcessFacts& facts) { facts.status.effective ^= 1; }},
      {"CapBnd", [](ProcessFacts& facts) { facts.status.bounding ^= 1; }},
      {"NoNewPrivs", [](ProcessFacts& facts) { facts.status.no_new_privs = 0; }},
      {"Seccomp", [](ProcessFacts& facts) { facts.status.seccomp_mode = 0; }},
      {"Threads", [](ProcessFacts& facts) { facts.status.threads = 2; }},
      {"dumpable", [](ProcessFacts& facts) { facts.is_dumpable = true; }},
      {"user namespace", [](ProcessFacts& facts) { facts.namespaces.user = "user:[1]"; }},
      {"open files", [](ProcessFacts& facts) { facts.limits.open_files += 1; }},
      {"core size", [](ProcessFacts& facts) { facts.limits.core_size = 1; }},
      {"message queues", [](ProcessFacts& facts) { facts.limits.queued_bytes = 1; }},
      {"'/dev/sd a', as descriptor 9",
       [](ProcessFacts& facts) {
         facts.held.push_back({9, DescriptorKind::other, "/dev/sd a"});
       }},
      {"none of perchild's roles", [](ProcessFacts& facts) { facts.executable.name = "bash"; }},
  };
  for (const auto& [part, change] : changes) {
    ProcessFacts facts = process_of(GetParam());
    change(facts);
    const Texts wrong = wrong_with(facts);
    ASSERT_FALSE(wrong.empty()) << part;
    EXPECT_NE(wrong[0].find(part), std::string::npos) << wrong[0];
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachRole, DoctorOfARole,
                         ::testing::Values(Role::master, Role::router, Role::worker, Role::checker,
                                           Role::keeper, Role::runner, Role::spare),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST(DoctorOfProcesses, KnowsASpareThatHasASiteForARunner) {
  ProcessFacts runner = process_of(Role::runner);
  runner.executable.name = executable_of(Role::spare);
  EXPECT_EQ(wrong_with(runner), Texts{});
}

TEST(DoctorOfProcesses, WhatASpareHasLoadedIsInANamespaceOfItsOwn) {
  ProcessFacts loaded = program();
  loaded.status = process_of(Role::spare).status;
  EXPECT_EQ(wrong_with(loaded), Texts{});
  loaded.namespaces.user = "user:[2]";
  EXPECT_EQ(wrong_with(loaded), Texts{"is in the service's or the machine's user namespace"});
}

TEST(DoctorOfProcesses, MissesAFilterOnTopOfTheMasters) {
  ProcessFacts worker = process_of(Role::worker);
  worker.status.seccomp_filters = 3;
  EXPECT_EQ(wrong_with(worker).size(), 1u);
}

TEST(DoctorOfProcesses, ForbidsForkingByLimitToo) {
  ProcessFacts worker = process_of(Role::worker);
  worker.limits.processes = 1;
  EXPECT_EQ(wrong_with(worker), Texts{"has a limit of processes of 1, above 0"});
}

TEST(DoctorOfProcesses, KnowsATlsWorkerForAWorker) {
  ProcessFacts worker = process_of(Role::worker);
  worker.executable.name = tls_worker_executable;
  EXPECT_EQ(wrong_with(worker), Texts{});
}

TEST(DoctorOfProcesses, FindsAWorkerOfNoSiteAndARunnerInTheMastersNamespaces) {
  ProcessFacts worker = process_of(Role::worker);
  worker.status.uids = {20009, 20009, 20009, 20009};
  EXPECT_EQ(wrong_with(worker),
            Texts{"runs under uid 20009, which no site of the running configuration has"});
  ProcessFacts runner = process_of(Role::runner);
  runner.namespaces.mount = "mnt:[1]";
  EXPECT_EQ(wrong_with(runner), Texts{"shares a namespace with the master"});
}

TEST(DoctorOfProcesses, ARoutersFilesAreFoundUnlessTheyAreWhereMessagesGo) {
  const HeldDescriptor file{2, DescriptorKind::file, "/var/log/messages"};
  ProcessFacts master = process_of(Role::master);
  master.held.push_back(file);
  ProcessFacts router = process_of(Role::router);
  router.held.push_back(file);
  EXPECT_TRUE(differences_of(router, master, expected()).empty());
  router.held.back().number = 7;
  EXPECT_EQ(differences_of(router, master, expected()).size(), 1u);
}

// Where the files of a site lie is known.
ExpectedService expected_with_places() {
  ExpectedService service = expected();
  service.empty_root = "/run/perchild/empty";
  service.log_folder = "/var/log/perchild";
  service.sites[0].root = "/srv/a";
  return service;
}

Texts wrong_with_held(Role role, const HeldDescriptor& held, bool has_challenges = false) {
  ProcessFacts process = process_of(role);
  process.held.push_back(held);
  ExpectedService service = expected_with_places();
  service.has_challenges = has_challenges;
  Texts all;
  for (const Difference& each : differences_of(process, process_of(Role::master), service)) {
    all.push_back(each.wrong);
  }
  return all;
}

TEST(DoctorOfProcesses, AWorkersFilesAreThoseOfItsSiteAndItsLogs) {
  const std::string log = "/var/log/perchild/a.example.";
  for (const HeldDescriptor& held :
       std::vector<HeldDescriptor>{{7, DescriptorKind::folder, "/srv/a"},
                                   {7, DescriptorKind::file, "/srv/a/x/y"},
                                   {7, DescriptorKind::file, "/srv/a/x (deleted)"},
                                   {7, DescriptorKind::file, log + "access.log", true, true},
                                   {7, DescriptorKind::file, log + "error.log.1", true, true}}) {
    EXPECT_EQ(wrong_with_held(Role::worker, held), Texts{}) << held.target;
  }
  for (const HeldDescriptor& held : std::vector<HeldDescriptor>{
           {7, DescriptorKind::folder, "/srv"},
           {7, DescriptorKind::folder, "/"},
           {7, DescriptorKind::file, "/srv/ab"},
           {7, DescriptorKind::file, "/token"},
           {7, DescriptorKind::file, "/srv/a/x", true, false},
           {7, DescriptorKind::file, "/srv/a/x", true, true},
           {7, DescriptorKind::file, log + "access.log", true, false},
           {7, DescriptorKind::file, "/var/log/perchild/b.example.access.log", true, true}}) {
    EXPECT_EQ(wrong_with_held(Role::worker, held).size(), 1u) << held.target;
  }
  const HeldDescriptor for_bodies{.number = 7,
                                  .kind = DescriptorKind::file,
                                  .target = "/srv/a/#7 (deleted)",
                                  .writes = true,
                                  .is_own_unnamed = true};
  EXPECT_EQ(wrong_with_held(Role::worker, for_bodies), Texts{});
  EXPECT_EQ(wrong_with_held(Role::checker, for_bodies).size(), 1u);
  EXPECT_EQ(wrong_with_held(Role::worker, {7, DescriptorKind::folder, "/"}, true), Texts{});
  EXPECT_EQ(wrong_with_held(Role::worker, {7, DescriptorKind::file, "/token"}, true), Texts{});
}

TEST(DoctorOfProcesses, ARoutersFolderIsTheEmptyOne) {
  const HeldDescriptor empty{7, DescriptorKind::folder, "/run/perchild/empty"};
  const HeldDescriptor other{7, DescriptorKind::folder, "/srv/a"};
  for (const Role role : {Role::router, Role::keeper}) {
    EXPECT_EQ(wrong_with_held(role, empty), Texts{});
    EXPECT_EQ(wrong_with_held(role, other).size(), 1u);
  }
}

TEST(DoctorOfProcesses, AListenerIsForRoutersTheMasterAndRunners) {
  const HeldDescriptor listener{7, DescriptorKind::socket, "socket:[7]", false, false, true};
  for (const Role role : {Role::master, Role::router, Role::runner}) {
    EXPECT_EQ(wrong_with_held(role, listener), Texts{});
  }
  for (const Role role : {Role::worker, Role::checker, Role::keeper}) {
    EXPECT_EQ(wrong_with_held(role, listener),
              Texts{"listens on a socket, 'socket:[7]', as descriptor 7"});
  }
}

TEST(DoctorOfProcesses, AProgramMayHoldAndDoMoreThanARole) {
  EXPECT_EQ(wrong_with(program()), Texts{});
}

TEST(DoctorOfProcesses, MissesTheFilterOfWhatASiteRefusesItsPrograms) {
  ExpectedService service = expected();
  service.sites[0].refuses_calls = true;
  ProcessFacts facts = program();
  const auto differences = [&] {
    return differences_of(facts, process_of(Role::master), service).size();
  };
  EXPECT_EQ(differences(), 1u);
  facts.status.seccomp_filters += 1;
  EXPECT_EQ(differences(), 0u);
  facts.status.seccomp_filters -= 1;
  facts.executable.name = "msmtp";
  EXPECT_EQ(differences(), 0u);
}

TEST(DoctorOfProcesses, FindsAProgramOutsideOfItsRunnersWalls) {
  const std::function<void(ProcessFacts&)> changes[] = {
      [](ProcessFacts& facts) { facts.status.uids[1] = 0; },
      [](ProcessFacts& facts) {
        facts.status.uids = {1, 1, 1, 1};
      },
      [](ProcessFacts& facts) { facts.status.bounding = 1; },
      [](ProcessFacts& facts) { facts.status.no_new_privs = 0; },
      [](ProcessFacts& facts) { facts.status.seccomp_filters = 3; },
      [](ProcessFacts& facts) { facts.namespaces.user = "user:[2]"; },
      [](ProcessFacts& facts) { facts.namespaces.user = "user:[1]"; },
  };
  for (const auto& change : changes) {
    ProcessFacts facts = program();
    change(facts);
    EXPECT_EQ(wrong_with(facts).size(), 1u);
  }
}

TEST(DoctorOfProcesses, SaysWhoItIsAndHowItIsEnded) {
  ProcessFacts worker = process_of(Role::worker);
  worker.pid = 4711;
  worker.is_dumpable = true;
  ProcessFacts master = process_of(Role::master);
  Diagnosis diagnosis;
  check_processes({master, worker}, expected(), "restart it", diagnosis);
  EXPECT_EQ(found_in(diagnosis), Texts{"error processes the worker of a.example, pid 4711,"});
  EXPECT_EQ(commands_of(diagnosis), Texts{"kill -KILL 4711"});
  EXPECT_EQ(diagnosis.in_order.size(), 1u);

  master.is_dumpable = true;
  Diagnosis of_master;
  check_processes({master}, expected(), "restart it", of_master);
  EXPECT_EQ(commands_of(of_master), Texts{"restart it"});
}

TEST(DoctorOfProcesses, WarnsOnceOfExecutablesThatHaveBeenReplaced) {
  ProcessFacts master = process_of(Role::master);
  ProcessFacts router = process_of(Role::router);
  master.executable.is_replaced = router.executable.is_replaced = true;
  Diagnosis diagnosis;
  check_processes({master, router}, expected(), "restart it", diagnosis);
  EXPECT_EQ(found_in(diagnosis), Texts{"warning processes the service"});
}

TEST(DoctorOfProcesses, NotesStrangersOfASitesUid) {
  Diagnosis diagnosis;
  check_strangers({{site_id, {7, 8}}}, expected(), diagnosis);
  EXPECT_EQ(found_in(diagnosis), Texts{"note processes a.example"});
  EXPECT_EQ(commands_of(diagnosis), Texts{"ps -o user,pid,lstart,args -p 7,8"});
}

}  // namespace
}  // namespace perchild::test::doctor_processes_test
