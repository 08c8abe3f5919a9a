// A successor takes over: beside the running service, or after it by way of a service manager that
// keeps the listeners. No visitor is refused or lost.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "test/system/requests.h"
#include "test/system/secure_sites.h"
#include "test/system/service_manager.h"
#include "test/system/upgrading.h"

namespace perchild::test::upgrade_test {
namespace {

struct Visits {
  std::atomic<bool> over = false;
  std::atomic<int> served = 0;
  std::atomic<int> failed = 0;

  void wait_for_more() {
    const int before = served;
    EXPECT_TRUE(eventually([&] { return served > before + 20; }));
  }
};

// Visits without a pause, until it is over: on a connection each, and on kept ones.
void visit(const Server& server, const std::string& host, bool keep, Visits& visits) {
  while (!visits.over) {
    try {
      Client client(server.port());
      for (int i = 0; i < (keep ? 20 : 1) && !visits.over; ++i) {
        client.send(request(host, "/", keep ? "" : "Connection: close\r\n"));
        const HttpResponse response = client.receive();
        ++(response.status == 200 ? visits.served : visits.failed);
        if (response.fields.contains("connection")) break;
      }
    } catch (const std::runtime_error&) {
      ++visits.failed;  // refused
    }
  }
}

TEST(Upgrade, OfTlsLeavesConnectionsWhereTheyAreAndStartsAnotherKeeper) {
  Server server(secure_sites());
  TlsClient kept(server.port(), named("a.example"));
  kept.send(request("a.example"));
  ASSERT_TRUE(contains(kept.receive_until("of a"), "200 OK"));
  ASSERT_EQ(server.keepers().size(), 1u);
  const CommandEnd end = upgrade(server);
  const Stranger successor(successor_in(end.output));
  EXPECT_TRUE(contains(tls_get(server.port(), "a.example", named("a.example")), "of a"));
  kept.send(request("a.example"));
  EXPECT_TRUE(contains(kept.receive_until("of a"), "200 OK"));
  EXPECT_EQ(server.stop(), 0) << server.log();
  EXPECT_TRUE(contains(tls_get(server.port(), "b.example", named("b.example")), "of b"));
  EXPECT_FALSE(contains(server.log(), "keeper")) << server.log();
}

TEST(Upgrade, UnderLoadRefusesAndLosesNobodyAndTheServerBeforeEnds) {
  Server server({.sites = two_sites(), .routers = 2});
  Visits visits;
  std::vector<std::thread> visitors;
  for (const char* host : {"a.example", "b.example"}) {
    for (const bool keep : {true, false}) {
      visitors.emplace_back([&server, &visits, host, keep] { visit(server, host, keep, visits); });
    }
  }
  visits.wait_for_more();
  const CommandEnd first = upgrade(server);
  const Stranger second_master(successor_in(first.output));
  visits.wait_for_more();
  // And that one gives way likewise.
  const CommandEnd second = upgrade(server);
  const Stranger third_master(successor_in(second.output));
  visits.wait_for_more();
  EXPECT_TRUE(second_master.ends());
  visits.wait_for_more();
  visits.over = true;
  for (std::thread& visitor : visitors) visitor.join();
  EXPECT_EQ(visits.failed, 0) << server.log();
  EXPECT_EQ(server.stop(), 0) << server.log();
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const std::string log = server.log();
  EXPECT_EQ(count_of(log, "perchild: ready"), 3u) << log;
  EXPECT_EQ(count_of(log, "giving way to a successor"), 2u) << log;
  EXPECT_FALSE(contains(log, "was killed")) << log;
  EXPECT_FALSE(contains(log, "what still runs is ended")) << log;
}

TEST(Upgrade, AConnectionOfTheServerBeforeEndsBehindAResponse) {
  Server server({.sites = two_sites()});
  Client kept(server.port());
  kept.send(request("a.example"));
  EXPECT_EQ(kept.receive().body, "of a");
  const Stranger successor(successor_in(upgrade(server).output));
  // Its worker is told a moment after its routers.
  HttpResponse last;
  EXPECT_TRUE(eventually([&] {
    kept.send(request("a.example"));
    last = kept.receive();
    return last.body != "of a" || last.fields.contains("connection");
  }));
  EXPECT_EQ(last.body, "of a");
  EXPECT_TRUE(kept.closed_by_server());
  EXPECT_TRUE(eventually([&] { return server.workers_of(0).empty(); }));
}

// Its router holds a visitor whose site sleeps when it is told to give way.
TEST(Upgrade, WhatTheServerBeforeHasAcceptedIsServedByASiteThatSleptToo) {
  Server server({.sites = two_sites()});
  Client early(server.port());
  early.send("GET / HTTP/1.1\r\nHo");
  ASSERT_TRUE(eventually([&] {
    const CommandEnd end = run_command({bin_directory() + "/perchild", "metrics", "--runtime-dir",
                                        server.directory().path() + "/run"});
    return contains(end.output, "perchild_router_held_connections 1\n");
  }));
  const Stranger successor(successor_in(upgrade(server).output));
  EXPECT_TRUE(server.wait_for_log("giving way"));
  early.send("st: b.example\r\n\r\n");
  EXPECT_EQ(early.receive().body, "of b");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_TRUE(eventually([&] { return server.routers().empty(); }));
}

TEST(Upgrade, CommandsReachTheSuccessor) {
  Server server({.sites = two_sites()});
  const Stranger successor(successor_in(upgrade(server).output));
  const CommandEnd reload =
      run_command({bin_directory() + "/perchild", "reload", "--config", server.configuration()});
  EXPECT_EQ(reload.status, 0) << reload.output;
  EXPECT_TRUE(contains(reload.output, "2 sites are unchanged"));
}

TEST(Upgrade, GoesByTheConfigurationAsItIsNow) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  const std::uint16_t more = free_port();
  std::string text = read_file(server.configuration());
  const std::string host = "[\"b.example\"],";
  text.replace(text.find(host), host.size(), "[\"b.example\"], \"suspended\": true,");
  const std::string address = "127.0.0.1:" + std::to_string(server.port()) + "\" }";
  text.replace(text.find(address), address.size(),
               address + ", { \"address\": \"127.0.0.1:" + std::to_string(more) + "\" }");
  write_file(server.configuration(), text);
  const Stranger successor(successor_in(upgrade(server).output));
  EXPECT_TRUE(eventually([&] { return get(server.port(), "b.example").status == 503; }));
  EXPECT_EQ(get(more, "a.example").body, "of a");
}

// The executables of another version, of which one does not run.
TEST(Upgrade, ToOneThatDoesNotStartLeavesTheServerAsItWas) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const auto worker = server.workers_of(0).at(0).pid;
  const TemporaryDirectory bin;
  for (const auto& file : std::filesystem::directory_iterator(bin_directory())) {
    const std::string name = file.path().filename();
    if (name.starts_with("perchild")) {
      std::filesystem::copy_file(name == "perchild-router" ? "/bin/false" : file.path().string(),
                                 bin.path() + "/" + name);
    }
  }
  const CommandEnd end = upgrade(server, bin.path());
  EXPECT_EQ(end.status, 1) << end.output;
  EXPECT_TRUE(contains(end.output, "nothing has been changed")) << end.output;
  EXPECT_TRUE(server.wait_for_log("a router cannot be started: giving up"));
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
  EXPECT_FALSE(contains(server.log(), "giving way"));
  // And it can be asked, and followed, after that.
  const Stranger successor(successor_in(upgrade(server).output));
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
}

TEST(Upgrade, WithAMistakeInTheConfigurationChangesNothing) {
  Server server({.sites = two_sites()});
  std::string text = read_file(server.configuration());
  text.replace(text.find("\"uid\": 20001"), 12, "\"uid\": 0");
  write_file(server.configuration(), text);
  const CommandEnd end = upgrade(server);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "cannot run as root")) << end.output;
  EXPECT_TRUE(contains(end.output, "nothing has been changed")) << end.output;
  EXPECT_EQ(server.processes().size(), 2u);
}

class SupervisedUpgrade : public ::testing::Test {
 protected:
  SupervisedUpgrade()
      : server_({.sites = two_sites(), .environment = {{"NOTIFY_SOCKET", manager_.path()}}}) {
    EXPECT_TRUE(eventually([&] { return manager_.has_heard("READY=1"); }));
  }

  // The service's next start.
  ::pid_t start_again() {
    const ::pid_t pid = ::fork();
    if (pid == 0) {
      manager_.pass_what_is_stored();
      const std::string command = bin_directory() + "/perchild";
      ::execl(command.c_str(), "perchild", "serve", "--config", server_.configuration().c_str(),
              nullptr);
      ::_exit(127);
    }
    return pid;
  }

  ServiceManager manager_;
  Server server_;
};

TEST_F(SupervisedUpgrade, ARestartRefusesNobody) {
  EXPECT_EQ(manager_.stored(), 1u);
  Visits visits;
  std::vector<std::thread> visitors;
  for (const char* host : {"a.example", "b.example"}) {
    visitors.emplace_back([this, &visits, host] { visit(server_, host, false, visits); });
  }
  visits.wait_for_more();
  EXPECT_EQ(server_.stop(), 0);
  const ::pid_t next = start_again();
  visits.wait_for_more();
  visits.over = true;
  for (std::thread& visitor : visitors) visitor.join();
  EXPECT_EQ(visits.failed, 0) << server_.log();
  ::kill(next, SIGTERM);
  int status = -1;
  EXPECT_EQ(::waitpid(next, &status, 0), next);
  EXPECT_EQ(status, 0);
}

// Nobody listens meanwhile; whoever comes waits in the kernel.
TEST_F(SupervisedUpgrade, WhoComesBetweenEndAndStartIsServedAfterIt) {
  EXPECT_EQ(server_.stop(), 0);
  Client client(server_.port());
  client.send(request("a.example"));
  const ::pid_t next = start_again();
  EXPECT_EQ(client.receive().body, "of a");
  ::kill(next, SIGTERM);
  EXPECT_EQ(::waitpid(next, nullptr, 0), next);
}

TEST_F(SupervisedUpgrade, AListenerThatTheConfigurationHasNoMoreIsForgotten) {
  std::string text = read_file(server_.configuration());
  const std::string port = std::to_string(server_.port());
  text.replace(text.find(port), port.size(), std::to_string(free_port()));
  write_file(server_.configuration(), text);
  EXPECT_EQ(server_.stop(), 0);
  const ::pid_t next = start_again();
  EXPECT_TRUE(eventually(
      [&] { return manager_.has_heard("FDSTOREREMOVE=1\nFDNAME=listen-127.0.0.1_" + port); }));
  EXPECT_TRUE(eventually([&] { return manager_.has_heard("READY=1", 2); }));
  ::kill(next, SIGTERM);
  EXPECT_EQ(::waitpid(next, nullptr, 0), next);
}

TEST_F(SupervisedUpgrade, ByTheCommandIsRefusedWithARemedy) {
  const CommandEnd end = upgrade(server_);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "systemctl restart")) << end.output;
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
}

}  // namespace
}  // namespace perchild::test::upgrade_test
