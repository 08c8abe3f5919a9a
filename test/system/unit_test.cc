// What packaging/perchild.service takes from the command: it serves all the same. (All of the unit,
// on a real systemd: test/guest. That it takes the network: passed_ports_test.cc.)
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "test/support/spares.h"
#include "test/system/reloading.h"
#include "test/system/requests.h"

namespace perchild::test::unit_test {
namespace {

// The words behind "KEY=".
std::vector<std::string> unit_setting(const std::string& key) {
  std::istringstream unit(read_file(PERCHILD_SOURCE_DIRECTORY "/packaging/perchild.service"));
  for (std::string line; std::getline(unit, line);) {
    if (!line.starts_with(key + "=")) continue;
    std::istringstream words(line.substr(key.size() + 1));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

int number_of_capability(const std::string& capability) {
  for (const auto& [name, number] :
       {std::pair("CAP_SETUID", CAP_SETUID), std::pair("CAP_SETGID", CAP_SETGID)}) {
    if (capability == name) return number;
  }
  throw std::runtime_error("a capability that the test does not know: " + capability);
}

// In the place of CapabilityBoundingSet=.
void keep_capabilities(const std::vector<int>& kept) {
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if (std::find(kept.begin(), kept.end(), capability) != kept.end()) continue;
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 &&
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      throw std::runtime_error("PR_CAPBSET_DROP");
    }
  }
}

std::vector<int> capabilities_of_unit() {
  std::vector<int> kept;
  for (const std::string& name : unit_setting("CapabilityBoundingSet"))
    kept.push_back(number_of_capability(name));
  return kept;
}

ServerSpec server_with(const std::vector<int>& kept, ::uid_t owner_of_logs = master_uid) {
  return {.sites = two_sites(), .before_exec = [=](const std::string& folder) {
            const std::string logs = folder + "/log";
            if (::mkdir(logs.c_str(), 0755) != 0 || ::chmod(logs.c_str(), 0750) != 0 ||
                ::chown(logs.c_str(), owner_of_logs, 0) != 0) {
              throw std::runtime_error("make " + logs);
            }
            keep_capabilities(kept);
          }};
}

TEST(Unit, ItsCapabilitiesSuffice) {
  ASSERT_FALSE(capabilities_of_unit().empty());
  Server server(server_with(capabilities_of_unit()));
  for (const char* site : {"a.example", "b.example"}) {
    EXPECT_EQ(ask(server, request(site)).status, 200);
  }
}

// They are the master's by tmpfiles.d. Who has every capability gives them to it.
TEST(Unit, DoesNotGiveAwayTheLogs) {
  EXPECT_THROW(Server(server_with(capabilities_of_unit(), 0)), std::exception);
  std::vector<int> more = capabilities_of_unit();
  more.push_back(CAP_CHOWN);
  Server server(server_with(more, 0));
  struct ::stat facts {};
  EXPECT_EQ(::stat(server.log_directory().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_uid, master_uid);
  EXPECT_EQ(facts.st_mode & 07777U, 0750U);
}

TEST(Unit, NoneOfThemIsToSpare) {
  for (const int dropped : capabilities_of_unit()) {
    std::vector<int> kept = capabilities_of_unit();
    std::erase(kept, dropped);
    EXPECT_THROW(Server(server_with(kept)), std::exception) << dropped;
  }
}

// RestrictNamespaces= without "pid", as systemd does it: a filter that answers EPERM.
void forbid_pid_namespaces() {
  ::sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, nr)),
                            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
                            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, args[0])),
                            BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWPID, 0, 1),
                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const ::sock_fprog program{std::size(filter), filter};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    throw std::runtime_error("PR_SET_SECCOMP");
  }
}

TEST(Unit, WithoutItsDropInForProgramsSaysSoAndServesTheFiles) {
  std::vector<SiteSpec> sites = two_sites(R"(, "cgi": true)");
  sites[0].files["cgi-bin/.keep"] = "";
  for (const bool is_forbidden : {true, false}) {
    Server server({.sites = sites, .before_exec = [&](const std::string&) {
                     if (is_forbidden) forbid_pid_namespaces();
                   }});
    EXPECT_EQ(get(server.port(), "a.example", "/index.html").body, "of a");
    EXPECT_EQ(contains(server.log(),
                       "programs of a.example will not start: make namespaces of their own: "
                       "Operation not permitted"),
              is_forbidden);
  }
}

// They would fail again and again.
TEST(Unit, WithoutItsDropInForProgramsNoPhpIsLoadedInAdvance) {
  std::vector<SiteSpec> sites = two_sites(R"(, "php": true)");
  for (const bool is_forbidden : {true, false}) {
    Server server(
        {.sites = sites, .more = R"(, "child_groups": {})", .before_exec = [&](const std::string&) {
           if (is_forbidden) forbid_pid_namespaces();
         }});
    EXPECT_TRUE(has_spares(server, is_forbidden ? 0 : 1)) << server.log();
    EXPECT_FALSE(contains(server.log(), "a spare")) << server.log();
  }
}

// By root's own shell, which is under no walls.
TEST(Unit, WithoutItsDropInForProgramsAReloadThatAddsThemSaysSo) {
  for (const bool is_forbidden : {true, false}) {
    Server server({.sites = two_sites(), .before_exec = [&](const std::string&) {
                     if (is_forbidden) forbid_pid_namespaces();
                   }});
    EXPECT_FALSE(contains(reload(server).output, "warning"));
    for (const std::string site : {"[\"a.example\"],", "[\"b.example\"],"}) {
      edit(server, site, site + R"( "cgi": true,)");
    }
    const CommandEnd end = reload(server);
    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_EQ(contains(end.output,
                       "warning: programs of a.example and of 1 other will not start: make "
                       "namespaces of their own: Operation not permitted (under systemd, "
                       "packaging/programs.conf permits it"),
              is_forbidden)
        << end.output;
  }
}

// systemd keeps it by a filter that takes openat2 away, by which workers open files.
TEST(Unit, ItLeavesThemOpenat2) {
  EXPECT_EQ(unit_setting("RestrictSUIDSGID"), std::vector<std::string>{"no"});
}

// systemd would give it back to root at every reload.
TEST(Unit, ItLeavesTheLogsToTheMaster) {
  EXPECT_TRUE(unit_setting("LogsDirectory").empty());
  // With "strict" only what is listed can be written.
  EXPECT_EQ(unit_setting("ProtectSystem"), std::vector<std::string>{"strict"});
  EXPECT_EQ(unit_setting("ReadWritePaths"), std::vector<std::string>{"/var/log/perchild"});
}

}  // namespace
}  // namespace perchild::test::unit_test
