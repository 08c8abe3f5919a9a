// What `perchild status` shows to root, and to the users of the machine.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <sstream>

#include "test/system/asking.h"

namespace perchild::test::status_test {
namespace {

// The words of the line that begins with this one.
std::vector<std::string> line_of(const std::string& table, const std::string& first) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    const std::vector<std::string> row{std::istream_iterator<std::string>(words), {}};
    if (!row.empty() && row.front() == first) return row;
  }
  return {};
}

TEST(Status, ShowsWhichSitesServe) {
  Server server({.sites = two_sites()});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  const CommandEnd end = status(server);
  EXPECT_EQ(end.status, 0);
  const auto serving = line_of(end.output, "a.example");
  const auto idle = line_of(end.output, "b.example");
  ASSERT_GE(serving.size(), 18U) << end.output;
  EXPECT_EQ(std::vector(serving.begin(), serving.begin() + 4),
            (std::vector<std::string>{"a.example", "serving", "20001", "1"}));
  ASSERT_GE(idle.size(), 18U) << end.output;
  EXPECT_EQ(std::vector(idle.begin(), idle.begin() + 4),
            (std::vector<std::string>{"b.example", "idle", "20002", "0"}));
}

TEST(Status, SaysWhichMechanismsAreOn) {
  Server server({.sites = two_sites()});
  const std::string text = status(server).output;
  EXPECT_TRUE(contains(text, "user namespace, seccomp, Landlock ABI ")) << text;
  const auto object = status_of_all(server);
  EXPECT_EQ(object.at("pid"), server.master());
  EXPECT_EQ(object.at("mechanisms").at("seccomp"), true);
  EXPECT_GE(object.at("mechanisms").at("landlock_abi"), 1);
}

TEST(Status, TellsOfTheWholeServerToRootOnly) {
  Server server({.sites = two_sites()});
  const auto of_root = status_of_all(server);
  EXPECT_EQ(of_root.at("site_count"), 2);
  EXPECT_EQ(of_root.at("routers"), 1);
  const auto of_a = nlohmann::json::parse(status(server, {"--json"}, uid_a).output);
  EXPECT_FALSE(of_a.contains("site_count"));
  EXPECT_FALSE(of_a.contains("connections"));
  EXPECT_EQ(of_a.at("sites").size(), 1U);
}

TEST(Status, OfOneSiteIsThatSitesAlone) {
  Server server({.sites = two_sites()});
  const CommandEnd end = status(server, {"b.example"});
  EXPECT_EQ(end.status, 0);
  EXPECT_FALSE(line_of(end.output, "b.example").empty()) << end.output;
  EXPECT_TRUE(line_of(end.output, "a.example").empty()) << end.output;
}

TEST(Status, ASiteThatDoesNotExistIsAnError) {
  Server server({.sites = two_sites()});
  const CommandEnd end = status(server, {"c.example"});
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.output, "perchild: find a site of yours with c.example as its first host\n");
}

TEST(Status, ShowsAUserHisOwnSitesOnly) {
  Server server({.sites = two_sites()});
  const CommandEnd of_a = status(server, {}, uid_a);
  EXPECT_EQ(of_a.status, 0) << of_a.output;
  EXPECT_FALSE(line_of(of_a.output, "a.example").empty()) << of_a.output;
  EXPECT_FALSE(contains(of_a.output, "b.example")) << of_a.output;
  const CommandEnd of_b = status(server, {"b.example"}, uid_b);
  EXPECT_EQ(of_b.status, 0) << of_b.output;
  EXPECT_FALSE(line_of(of_b.output, "b.example").empty()) << of_b.output;
}

TEST(Status, AnothersSiteLooksLikeNone) {
  Server server({.sites = two_sites()});
  const CommandEnd others = status(server, {"b.example"}, uid_a);
  EXPECT_EQ(others.status, 1);
  CommandEnd nobodys = status(server, {"c.example"}, uid_a);
  EXPECT_EQ(nobodys.status, 1);
  nobodys.output.replace(nobodys.output.find("c.example"), 1, "b");
  EXPECT_EQ(others.output, nobodys.output);
}

TEST(Status, AUserWithoutASiteSeesNone) {
  Server server({.sites = two_sites()});
  for (const ::uid_t uid : {::uid_t{20'500}, ::uid_t{1}, ::uid_t{65'534}}) {
    const CommandEnd end = status(server, {"--json"}, uid);
    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_TRUE(contains(end.output, "\"sites\":[]")) << end.output;
  }
}

TEST(Status, TellsWhatASitesLastTroubleWas) {
  Server server({.sites = two_sites()});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  const auto pid = server.workers_of(0).at(0).pid;
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  const std::string error = "\"restarts\":1,\"last_error\":\"worker of a.example (pid " +
                            std::to_string(pid) + ") was killed by SIGKILL\"";
  EXPECT_TRUE(eventually([&] { return contains(status(server, {"--json"}).output, error); }))
      << status(server, {"--json"}).output;
}

TEST(Status, ASiteThatKeepsDyingIsCrashLooping) {
  Server server({.sites = two_sites()});
  // Its folder is gone, so no worker of it comes up.
  ASSERT_EQ(::rename(server.docroot(0).c_str(), (server.docroot(0) + ".away").c_str()), 0);
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(get(server.port(), "a.example").status, 503);
    const auto row = line_of(status(server).output, "a.example");
    return row.size() > 1 && row[1] == "crash-looping";
  })) << status(server).output;
}

TEST(Status, ASuspendedSiteIsSuspended) {
  Server server({.sites = two_sites(", \"suspended\": true")});
  EXPECT_EQ(status_of_site(server, "a.example").at("state"), "suspended");
  EXPECT_EQ(status_of_site(server, "b.example").at("state"), "idle");
  EXPECT_EQ(get(server.port(), "a.example").status, 503);
  EXPECT_TRUE(server.wait_for_log("refused with 503: the site is suspended")) << server.log();
}

TEST(Status, OfManySitesComesInSeveralAnswers) {
  ServerSpec spec;
  for (int i = 0; i < 100; ++i) spec.sites.push_back({"s" + std::to_string(i) + ".example", {}});
  Server server(spec);
  const CommandEnd all = status(server);
  EXPECT_EQ(count_of(all.output, ".example  "), 100U) << all.output;
  const CommandEnd last = status(server, {}, uid_a + 99);
  EXPECT_FALSE(line_of(last.output, "s99.example").empty()) << last.output;
  EXPECT_EQ(count_of(last.output, ".example  "), 1U) << last.output;
}

TEST(Status, WithoutAServerThereIsASentence) {
  const TemporaryDirectory folder;
  const CommandEnd end =
      run_command({bin_directory() + "/perchild", "status", "--runtime-dir", folder.path()});
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.output, "perchild: reach a server in " + folder.path() + ": none is running\n");
}

TEST(Control, ASecondServerInTheSameFolderIsRefused) {
  Server server({.sites = two_sites()});
  const CommandEnd second =
      run_command({bin_directory() + "/perchild", "serve", "--config", server.configuration()});
  EXPECT_EQ(second.status, 1);
  EXPECT_TRUE(contains(second.output, "a server runs there already")) << second.output;
  EXPECT_EQ(status(server).status, 0);
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
}

// As a server leaves it that was killed.
void leave_dead_socket(const std::string& folder) {
  ::mkdir((folder + "/run").c_str(), 0755);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + "/run/control";
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::bind(socket.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0) {
    ::_exit(127);
  }
}

TEST(Control, WhatADeadServerHasLeftIsReplaced) {
  Server server({.sites = two_sites(), .before_exec = leave_dead_socket});
  EXPECT_EQ(status(server).status, 0);
}

}  // namespace
}  // namespace perchild::test::status_test
