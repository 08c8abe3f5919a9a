// `perchild reload`: what changes takes effect, what does not is not touched, and a mistake changes
// nothing.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "test/system/reloading.h"
#include "test/system/requests.h"

namespace perchild::test::reload_test {
namespace {

std::string port_text(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

// A vhost of the first site's user and files, behind the others.
void add_site(const Server& server, const std::string& host) {
  edit(server, "\n  ]",
       ",\n    { \"hosts\": [\"" + host + "\"], \"uid\": 20001, \"gid\": 20001, \"root\": \"" +
           server.docroot(0) + "\" }\n  ]");
}

void suspend_b(const Server& server) {
  edit(server, "[\"b.example\"],", "[\"b.example\"], \"suspended\": true,");
}

TEST(Reload, OfTheSameConfigurationTouchesNothing) {
  Server server({.sites = two_sites()});
  Client kept(server.port());
  kept.send(request("a.example"));
  EXPECT_EQ(kept.receive().body, "of a");
  const auto worker = server.workers_of(0).at(0).pid;
  const auto router = server.routers().at(0).pid;
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_TRUE(contains(end.output, "2 sites are unchanged")) << end.output;
  kept.send(request("a.example"));
  const HttpResponse response = kept.receive();
  EXPECT_EQ(response.body, "of a");
  EXPECT_FALSE(response.fields.contains("connection"));
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
  EXPECT_EQ(server.routers().at(0).pid, router);
}

TEST(Reload, ASiteIsAddedAndRemovedAndItsNumberTakenByAnother) {
  Server server({.sites = two_sites(), .routers = 2});
  EXPECT_EQ(get(server.port(), "c.example").status, 421);
  add_site(server, "c.example");
  const CommandEnd added = reload(server);
  EXPECT_EQ(added.status, 0) << added.output;
  EXPECT_TRUE(contains(added.output, "added c.example\n2 sites are unchanged")) << added.output;
  EXPECT_EQ(get(server.port(), "c.example").body, "of a");
  edit(server, "c.example", "d.example");
  const CommandEnd replaced = reload(server);
  EXPECT_EQ(replaced.status, 0) << replaced.output;
  EXPECT_TRUE(contains(replaced.output, "added d.example\nremoved c.example\n")) << replaced.output;
  EXPECT_EQ(get(server.port(), "c.example").status, 421);
  EXPECT_EQ(get(server.port(), "d.example").body, "of a");
  edit(server, "d.example", "e.example");
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(get(server.port(), "e.example").body, "of a");
  EXPECT_EQ(get(server.port(), "d.example").status, 421);
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST(Reload, ARemovedSitesConnectionsGetOneMoreResponse) {
  Server server({.sites = two_sites()});
  Client kept(server.port());
  kept.send(request("a.example"));
  EXPECT_EQ(kept.receive().body, "of a");
  edit(server, "a.example", "elsewhere.example");
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(get(server.port(), "a.example").status, 421);
  kept.send(request("a.example"));
  const HttpResponse last = kept.receive();
  EXPECT_EQ(last.body, "of a");
  EXPECT_EQ(last.fields.at("connection"), "close");
  EXPECT_TRUE(eventually([&] { return server.workers_of(0).empty(); }));
  EXPECT_FALSE(contains(server.log(), "worker of")) << server.log();
}

TEST(Reload, AChangedSiteIsServedByNewProcessesAndTheOthersByTheSame) {
  Server server({.sites = {{"a.example", {{"index.html", "of a"}, {"other.html", "other"}}},
                           {"b.example", {{"index.html", "of b"}}}}});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  const auto of_a = server.workers_of(0).at(0).pid;
  const auto of_b = server.workers_of(1).at(0).pid;
  edit(server, "[\"a.example\"],", "[\"a.example\"], \"index\": [\"other.html\"],");
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_TRUE(contains(end.output, "changed a.example\n1 site is unchanged")) << end.output;
  EXPECT_EQ(get(server.port(), "a.example").body, "other");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(server.workers_of(1).at(0).pid, of_b);
  EXPECT_TRUE(eventually([&] {
    const auto workers = server.workers_of(0);
    return workers.size() == 1 && workers.front().pid != of_a;
  }));
  EXPECT_FALSE(contains(server.log(), "worker of")) << server.log();
}

TEST(Reload, AnotherUserMeansOtherProcesses) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  constexpr ::uid_t other = 20007;
  ASSERT_EQ(::chown(server.docroot(0).c_str(), other, other), 0);
  ASSERT_EQ(::chown((server.docroot(0) + "/index.html").c_str(), other, other), 0);
  edit(server, "\"uid\": 20001, \"gid\": 20001", "\"uid\": 20007, \"gid\": 20007");
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_TRUE(eventually([&] { return server.workers_of(0).empty(); }));
  EXPECT_EQ(server.workers_of(6).size(), 1u);
}

TEST(Reload, WithAMistakeChangesNothingAndSaysWhy) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const auto worker = server.workers_of(0).at(0).pid;
  suspend_b(server);
  edit(server, "\"uid\": 20001", "\"uid\": 0");
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "cannot run as root")) << end.output;
  EXPECT_TRUE(contains(end.output, "nothing has been changed")) << end.output;
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
}

TEST(Reload, WhatOnlyARestartCanChangeIsRefusedWithThatSentence) {
  Server server({.sites = two_sites()});
  const std::string good = read_file(server.configuration());
  edit(server, "[20000, 20999]", "[20000, 21999]");
  const CommandEnd ids = reload(server);
  EXPECT_EQ(ids.status, 1);
  EXPECT_TRUE(contains(ids.output, "do not exist in the running service: restart it"))
      << ids.output;
  write_file(server.configuration(), good);
  edit(server, "\"processes\": 1", "\"processes\": 2");
  const CommandEnd routers = reload(server);
  EXPECT_EQ(routers.status, 1);
  EXPECT_TRUE(contains(routers.output, "\"router.processes\" is 1 and cannot become 2"))
      << routers.output;
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
}

TEST(Reload, AnAddressIsAddedAndRemoved) {
  Server server({.sites = two_sites()});
  const std::uint16_t more = free_port();
  const std::string first = "{ \"address\": \"" + port_text(server.port()) + "\" }";
  const std::string second = "{ \"address\": \"" + port_text(more) + "\" }";
  edit(server, first, first + ", " + second);
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(get(more, "b.example").body, "of b");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  edit(server, first + ", " + second, second);
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(get(more, "b.example").body, "of b");
  EXPECT_TRUE(eventually([&] {
    try {
      Client client(server.port());
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  }));
}

TEST(Reload, ASiteIsSuspendedAndResumed) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  const std::string good = read_file(server.configuration());
  suspend_b(server);
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_TRUE(contains(get(server.port(), "b.example").body, "This site is suspended"));
  EXPECT_TRUE(eventually([&] { return server.workers_of(1).empty(); }));
  write_file(server.configuration(), good);
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
}

TEST(Reload, ADefaultSiteStaysTheOneThatIsNamed) {
  Server server({.sites = two_sites(), .default_host = "b.example"});
  std::string text = read_file(server.configuration());
  // The first vhost goes, so the second one is the first that is written.
  const std::size_t first = text.find("    { \"hosts\": [\"a.example\"]");
  const std::size_t second = text.find("    { \"hosts\": [\"b.example\"]");
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(second, std::string::npos);
  write_file(server.configuration(), text.erase(first, second - first));
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_TRUE(contains(end.output, "removed a.example\n")) << end.output;
  EXPECT_EQ(get(server.port(), "nobody.example").body, "of b");
  EXPECT_EQ(get(server.port(), "a.example").body, "of b");
}

TEST(Reload, ARouterThatStartsLaterGoesByTheNewTables) {
  Server server({.sites = two_sites()});
  add_site(server, "c.example");
  EXPECT_EQ(reload(server).status, 0);
  ASSERT_EQ(::kill(server.routers().at(0).pid, SIGKILL), 0);
  EXPECT_EQ(get(server.port(), "c.example").body, "of a");
}

TEST(Reload, UnderLoadFailsNoRequest) {
  Server server({.sites = two_sites(), .routers = 2});
  std::atomic<bool> over = false;
  std::atomic<int> served = 0;
  std::atomic<int> failed = 0;
  const auto visit = [&](const std::string& host, bool keep) {
    while (!over) {
      Client client(server.port());
      for (int i = 0; i < (keep ? 20 : 1) && !over; ++i) {
        client.send(request(host, "/", keep ? "" : "Connection: close\r\n"));
        const HttpResponse response = client.receive();
        ++(response.status == 200 ? served : failed);
        if (response.fields.contains("connection")) break;
      }
    }
  };
  std::vector<std::thread> visitors;
  for (const char* host : {"a.example", "b.example"}) {
    for (const bool keep : {true, false}) visitors.emplace_back(visit, host, keep);
  }
  const std::string good = read_file(server.configuration());
  for (int i = 0; i < 6; ++i) {
    write_file(server.configuration(), good);
    edit(server, "[\"b.example\"],",
         "[\"b.example\"], \"limits\": { \"body\": " + std::to_string(i) + " },");
    const CommandEnd end = reload(server);
    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_TRUE(contains(end.output, "changed b.example\n1 site is unchanged")) << end.output;
  }
  over = true;
  for (std::thread& visitor : visitors) visitor.join();
  EXPECT_GT(served, 50);
  EXPECT_EQ(failed, 0) << server.log();
  EXPECT_EQ(server.stop(), 0);
}

TEST(Reload, DuringAReloadIsDoneOrRefusedButNeverHalfDone) {
  Server server({.sites = two_sites()});
  suspend_b(server);
  std::atomic<int> done = 0;
  std::vector<std::thread> panels;
  for (int i = 0; i < 4; ++i) {
    panels.emplace_back([&] {
      const CommandEnd end = reload(server);
      if (end.status == 0) {
        ++done;
      } else {
        EXPECT_TRUE(contains(end.output, "another reload has come first")) << end.output;
      }
    });
  }
  for (std::thread& panel : panels) panel.join();
  EXPECT_GE(done, 1);
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server.port(), "b.example").status, 503);
}

TEST(Reload, AServerThatStopsRefusesOne) {
  Server server({.sites = two_sites()});
  Client kept(server.port());
  server.add_file(0, "big", std::string(64UL * 1024 * 1024, 'x'));
  kept.send(request("a.example", "/big"));
  EXPECT_EQ(kept.receive(true).status, 200);
  suspend_b(server);
  server.signal(SIGTERM);
  EXPECT_TRUE(server.wait_for_log("stopping"));
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "the server is stopping")) << end.output;
  EXPECT_TRUE(kept.receive_to_end().has_value());
  EXPECT_EQ(server.wait_until_ended(), 0);
}

TEST(Reload, IsRootsAlone) {
  Server server({.sites = two_sites()});
  const CommandEnd end = reload(server, uid_a);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "reload needs root")) << end.output;
}

TEST(Reload, WithoutAServerThereIsASentence) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(server.stop(), 0);
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "none is running")) << end.output;
}

constexpr const char* of_secret = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0";
constexpr const char* of_nothing = "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.";
constexpr const char* alice_secret = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";
constexpr const char* alice_nothing = "Authorization: Basic YWxpY2U6\r\n";

std::vector<SiteSpec> sites_with_a_password() {
  return two_sites(R"(, "auth": { "users": { "alice": ")" + std::string(of_secret) + R"(" } })");
}

// The old checker stays with the old worker, whose lists are its own.
TEST(Reload, PasswordsThatAreChangedHoldAtOnceAndForNewConnections) {
  Server server({.sites = sites_with_a_password()});
  Client kept(server.port());
  kept.send(request("a.example"));
  EXPECT_EQ(kept.receive().status, 401);
  // A worker serves without waiting for it.
  ASSERT_TRUE(eventually([&] { return server.checkers_of(0).size() == 1; }));
  const auto checker = server.checkers_of(0).at(0).pid;
  edit(server, of_secret, of_nothing);
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(ask(server, request("a.example", "/", alice_nothing)).body, "of a");
  EXPECT_EQ(ask(server, request("a.example", "/", alice_secret)).status, 401);
  kept.send(request("a.example", "/", alice_secret));
  EXPECT_EQ(kept.receive().body, "of a");
  EXPECT_TRUE(eventually([&] {
    const auto left = server.checkers_of(0);
    return left.size() == 1 && left[0].pid != checker;
  }));
}

TEST(Reload, ACheckerThatDiesAfterItHasASuccessorWithTheOldLists) {
  Server server({.sites = sites_with_a_password()});
  Client kept(server.port());
  kept.send(request("a.example", "/", alice_secret));
  EXPECT_EQ(kept.receive().body, "of a");
  const auto checker = server.checkers_of(0).at(0).pid;
  edit(server, of_secret, of_nothing);
  EXPECT_EQ(reload(server).status, 0);
  ASSERT_EQ(::kill(checker, SIGKILL), 0);
  kept.send(request("a.example", "/", alice_secret));
  EXPECT_EQ(kept.receive().body, "of a");
}

}  // namespace
}  // namespace perchild::test::reload_test
