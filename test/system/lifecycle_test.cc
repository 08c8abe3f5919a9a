// Processes that die, stop, or cannot start; and how the whole ends.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "test/system/requests.h"

namespace perchild::test::lifecycle_test {
namespace {

// More than the kernel holds for a client that does not read.
constexpr std::size_t big = 16UL * 1024 * 1024;

// Gone, or dead and only waiting to be reaped by whoever has inherited it.
bool has_ended(::pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t state = stat.rfind(") ");
  return state == std::string::npos || stat[state + 2] == 'Z';
}

bool all_end(const std::vector<ProcessFacts>& processes) {
  return eventually([&] {
    return std::all_of(processes.begin(), processes.end(),
                       [](const ProcessFacts& process) { return has_ended(process.pid); });
  });
}

// A client in the middle of a response that it has begun to read.
void begin_download(Server& server, Client& client) {
  server.add_file(0, "big", std::string(big, 'x'));
  // Not less: a segment of the loopback device that does not fit into the window is sent by the
  // kernel's probes of it alone, at longer and longer intervals.
  const int bytes = 256 * 1024;
  ASSERT_EQ(::setsockopt(client.fd().get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
  client.send(request("a.example", "/big"));
  ASSERT_EQ(client.receive(true).status, 200);
}

bool connection_is_refused(std::uint16_t port) {
  try {
    Client client(port);
    return false;
  } catch (const std::runtime_error& error) {
    return contains(error.what(), "Connection refused");
  }
}

TEST(Lifecycle, NoWorkerRunsBeforeItsSiteIsAskedFor) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(server.processes().size(), 2u);
  EXPECT_EQ(get(server.port(), "b.example").status, 200);
  EXPECT_TRUE(server.workers_of(0).empty());
  EXPECT_EQ(server.workers_of(1).size(), 1u);
}

TEST(Lifecycle, ASiteThatIsToStartAlwaysRunsBeforeTheServerIsReady) {
  Server server({.sites = two_sites(R"(, "start": "always", "workers": 2)")});
  EXPECT_EQ(server.workers_of(0).size(), 2u);
  EXPECT_TRUE(server.workers_of(1).empty());
}

TEST(Lifecycle, SeveralRoutersAndWorkersServeTogether) {
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}, R"(, "workers": 3)"},
                           {"b.example", {{"index.html", "of b"}}, R"(, "workers": 2)"}},
                 .routers = 3});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 60; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request(i % 2 == 0 ? "a.example" : "b.example"));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i]->receive().body, i % 2 == 0 ? "of a" : "of b");
  }
  EXPECT_EQ(server.routers().size(), 3u);
  // The first of a site's workers may have served all before the last one is under its uid.
  EXPECT_TRUE(eventually(
      [&] { return server.workers_of(0).size() == 3 && server.workers_of(1).size() == 2; }));
  EXPECT_EQ(server.stop(), 0);
}

TEST(Lifecycle, AKilledWorkerIsReplacedAndOtherSitesAreUndisturbed) {
  Server server({.sites = two_sites()});
  Client of_b(server.port());
  of_b.send(request("b.example"));
  EXPECT_EQ(of_b.receive().body, "of b");
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  const ::pid_t of_a = server.workers_of(0).at(0).pid;
  const ::pid_t other = server.workers_of(1).at(0).pid;
  ASSERT_EQ(::kill(of_a, SIGKILL), 0);
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_TRUE(server.wait_for_log("worker of a.example (pid " + std::to_string(of_a) +
                                  ") was killed by SIGKILL"));
  of_b.send(request("b.example"));
  EXPECT_EQ(of_b.receive().body, "of b");
  EXPECT_EQ(server.workers_of(1).at(0).pid, other);
  ASSERT_EQ(server.workers_of(0).size(), 1u);
  EXPECT_NE(server.workers_of(0).at(0).pid, of_a);
}

TEST(Lifecycle, AKilledRouterIsReplacedAndRunningConnectionsGoOn) {
  Server server({.sites = two_sites()});
  Client kept(server.port());
  kept.send(request("a.example"));
  EXPECT_EQ(kept.receive().status, 200);
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  const ::pid_t router = server.routers().at(0).pid;
  ASSERT_EQ(::kill(router, SIGKILL), 0);
  kept.send(request("a.example"));
  EXPECT_EQ(kept.receive().body, "of a");
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_TRUE(
      server.wait_for_log("router 0 (pid " + std::to_string(router) + ") was killed by SIGKILL"));
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
}

TEST(Lifecycle, WhatIsQueuedInAStoppedWorkerIsServedByItsSuccessor) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  ASSERT_NO_FATAL_FAILURE(stop_process(worker));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request("a.example", "/", "Connection: close\r\n"));
  }
  // The one router takes connections in their order: behind this answer, all have been handed over.
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  ASSERT_EQ(::kill(worker, SIGKILL), 0);
  for (const auto& client : clients) EXPECT_EQ(client->receive().body, "of a");
}

TEST(Lifecycle, ASiteWhoseWorkerCannotStartIsAnswered503UntilItCan) {
  Server server({.sites = two_sites()});
  const std::string away = server.docroot(0) + ".away";
  std::filesystem::rename(server.docroot(0), away);
  const HttpResponse response = get(server.port(), "a.example");
  EXPECT_EQ(response.status, 503);
  EXPECT_GE(std::stoi(response.fields.at("retry-after")), 1);
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_TRUE(server.wait_for_log("worker of a.example"));
  EXPECT_TRUE(server.wait_for_log("exited with status 3"));
  EXPECT_TRUE(error_log_has(
      server, 0, "perchild-worker: open " + server.docroot(0) + ": No such file or directory"));
  std::filesystem::rename(away, server.docroot(0));
  EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example").status == 200; }, 30'000));
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
}

TEST(Lifecycle, ASiteThatIsToStartAlwaysButCannotDoesNotKeepTheOthersFromServing) {
  const auto block_log = [](const std::string& directory) {
    std::filesystem::create_directories(directory + "/log/a.example.error.log");
  };
  Server server({.sites = two_sites(R"(, "start": "always")"), .before_exec = block_log});
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(get(server.port(), "a.example").status, 503);
  EXPECT_TRUE(server.wait_for_log("open log a.example.error.log: Is a directory"));
}

TEST(Lifecycle, ConnectionsBeyondASitesQueueAreAnswered503) {
  // One credit at a time, and two places in the queue.
  Server server({.sites = two_sites(R"(, "limits": { "connections": 2, "queue": 2 })")});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  ASSERT_NO_FATAL_FAILURE(stop_process(worker));
  constexpr int connections = 8;
  constexpr int most_taken = 3;
  constexpr int least_taken = 2;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request("a.example", "/", "Connection: close\r\n"));
  }
  for (std::size_t i = most_taken; i < connections; ++i) {
    const HttpResponse response = clients[i]->receive();
    EXPECT_EQ(response.status, 503) << i;
    EXPECT_EQ(response.fields.at("retry-after"), "1");
    EXPECT_TRUE(clients[i]->closed_by_server());
  }
  EXPECT_TRUE(server.wait_for_log("refused with 503: the site's queue is full"));
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  ASSERT_EQ(::kill(worker, SIGCONT), 0);
  for (std::size_t i = 0; i < least_taken; ++i) EXPECT_EQ(clients[i]->receive().body, "of a") << i;
}

TEST(Lifecycle, OneAddressHoldsNoMoreThanItsShareOfARouter) {
  Server server({.sites = two_sites(),
                 .more = R"(, "router": { "processes": 1, "per_address": 3 })",
                 .listen = R"([{ "address": "*:PORT" }])"});
  std::vector<std::unique_ptr<Client>> holders;
  for (int i = 0; i < 3; ++i) {
    holders.push_back(std::make_unique<Client>(server.port()));
    holders.back()->send("GET / HT");
  }
  Client surplus(server.port());
  surplus.send("GET / HT");
  EXPECT_TRUE(surplus.closed_by_server());
  EXPECT_TRUE(server.wait_for_log("127.0.0.1: too many connections at once"));
  Client elsewhere(server.port(), "::1");
  elsewhere.send(request("a.example"));
  EXPECT_EQ(elsewhere.receive().status, 200);
  holders.pop_back();
  EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example").status == 200; }));
}

TEST(Lifecycle, AFullRouterDropsWhoHasBeenNamelessForLongest) {
  Server server(
      {.sites = two_sites(), .more = R"(, "router": { "processes": 1, "connections": 4 })"});
  std::vector<std::unique_ptr<Client>> nameless;
  for (int i = 0; i < 4; ++i) {
    nameless.push_back(std::make_unique<Client>(server.port()));
    nameless.back()->send("GET / HT");
  }
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_TRUE(nameless.front()->closed_by_server());
  nameless.back()->send("TP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_EQ(nameless.back()->receive().status, 200);
}

TEST(Lifecycle, SigtermLetsARunningDownloadFinishAndClosesTheRest) {
  Server server({.sites = two_sites()});
  Client idle(server.port());
  idle.send(request("b.example"));
  EXPECT_EQ(idle.receive().status, 200);
  Client running(server.port());
  ASSERT_NO_FATAL_FAILURE(begin_download(server, running));
  const auto processes = server.processes();
  server.signal(SIGTERM);
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_TRUE(eventually([&] { return connection_is_refused(server.port()); }));
  EXPECT_TRUE(server.wait_for_log("perchild: stopping: running requests may finish"));
  EXPECT_FALSE(has_ended(server.master()));
  const auto body = running.receive_to_end();
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->size(), big);
  EXPECT_EQ(server.wait_until_ended(), 0);
  EXPECT_TRUE(contains(server.log(), "perchild: stopped"));
  EXPECT_FALSE(contains(server.log(), "what still runs is ended"));
  EXPECT_TRUE(all_end(processes));
  EXPECT_TRUE(contains(server.access_log(0), " 200 " + std::to_string(big) + " "));
}

TEST(Lifecycle, WhatHasBeenAcceptedBeforeSigtermIsAnswered) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  const ::pid_t router = server.routers().at(0).pid;
  ASSERT_NO_FATAL_FAILURE(stop_process(router));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request("a.example"));
  }
  server.signal(SIGTERM);
  EXPECT_TRUE(server.wait_for_log("stopping"));
  ASSERT_EQ(::kill(router, SIGCONT), 0);
  for (const auto& client : clients) EXPECT_EQ(client->receive().body, "of a");
  EXPECT_EQ(server.wait_until_ended(), 0);
}

TEST(Lifecycle, TheDrainDeadlineEndsWhatIsLeft) {
  Server server({.sites = two_sites(), .more = R"(, "drain_timeout": "500ms")"});
  Client running(server.port());
  ASSERT_NO_FATAL_FAILURE(begin_download(server, running));
  const auto processes = server.processes();
  EXPECT_EQ(server.stop(), 0);
  EXPECT_TRUE(contains(server.log(), "perchild: what still runs is ended"));
  const auto body = running.receive_to_end();
  ASSERT_TRUE(body.has_value());
  EXPECT_LT(body->size(), big);
  EXPECT_TRUE(all_end(processes));
}

TEST(Lifecycle, ASecondSigtermEndsAllAtOnce) {
  Server server({.sites = two_sites(), .more = R"(, "drain_timeout": "1h")"});
  Client running(server.port());
  ASSERT_NO_FATAL_FAILURE(begin_download(server, running));
  const auto processes = server.processes();
  server.signal(SIGTERM);
  EXPECT_TRUE(server.wait_for_log("stopping"));
  EXPECT_EQ(server.stop(), 0);  // sends the second one
  EXPECT_TRUE(contains(server.log(), "told to stop again: ending at once"));
  EXPECT_TRUE(all_end(processes));
}

TEST(Lifecycle, SigintDrainsToo) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  const auto processes = server.processes();
  server.signal(SIGINT);
  EXPECT_TRUE(all_end(processes));
  EXPECT_EQ(server.stop(), 0);
}

TEST(Lifecycle, WhenTheMasterIsKilledAllItsChildrenGoAlong) {
  Server server({.sites = two_sites(R"(, "workers": 2)"), .routers = 2});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(get(server.port(), "b.example").status, 200);
  const auto processes = server.processes();
  EXPECT_EQ(processes.size(), 6u);
  server.signal(SIGKILL);
  EXPECT_TRUE(all_end(processes));
  EXPECT_TRUE(connection_is_refused(server.port()));
  EXPECT_EQ(server.stop(), 128 + SIGKILL);
}

}  // namespace
}  // namespace perchild::test::lifecycle_test
