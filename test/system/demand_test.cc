// Sites come to life with their first visitor, grow with many, and go to sleep without any.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "test/system/requests.h"

namespace perchild::test::demand_test {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<SiteSpec> sites(std::size_t count, const std::string& more) {
  std::vector<SiteSpec> all;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "s" + std::to_string(i) + ".example";
    all.push_back({name, {{"index.html", "of " + name}}, more});
  }
  return all;
}

std::string host_of(std::size_t site) {
  return "s" + std::to_string(site) + ".example";
}

std::string visit(const Server& server, std::size_t site) {
  Client client(server.port());
  client.send(request(host_of(site), "/", "Connection: close\r\n"));
  return client.receive().body;
}

bool sleeps(const Server& server, std::size_t site) {
  return eventually([&] { return server.workers_of(site).empty(); });
}

// For what the clock alone makes happen.
void wait_for(std::chrono::milliseconds time) {
  const auto end = Clock::now() + time;
  EXPECT_TRUE(eventually([&] { return Clock::now() >= end; }));
}

TEST(OnDemand, ASiteWithoutVisitorsGoesToSleepAndWakesAgain) {
  Server server({.sites = sites(1, R"(, "idle_timeout": "1s")"), .routers = 2});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(visit(server, 0), "of s0.example");
    EXPECT_EQ(server.workers_of(0).size(), 1u);
    EXPECT_TRUE(sleeps(server, 0));
  }
  // It has left of its own accord: there was nothing to report.
  EXPECT_FALSE(contains(server.log(), "worker of")) << server.log();
  EXPECT_EQ(server.stop(), 0);
}

TEST(OnDemand, WhatWasSentToAWorkerThatDiesOnItsWayOutIsServedByItsSuccessor) {
  Server server({.sites = sites(2, R"(, "idle_timeout": "2s")")});
  EXPECT_EQ(visit(server, 0), "of s0.example");
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  // It has said that it is idle, and cannot take that back.
  wait_for(std::chrono::milliseconds(1500));
  ASSERT_NO_FATAL_FAILURE(stop_process(worker));
  Client client(server.port());
  client.send(request(host_of(0), "/", "Connection: close\r\n"));
  // Behind this answer the one router has handed it over.
  EXPECT_EQ(visit(server, 1), "of s1.example");
  // Its place has another worker now: this one has been let go.
  wait_for(std::chrono::milliseconds(1000));
  EXPECT_EQ(visit(server, 0), "of s0.example");
  EXPECT_EQ(server.workers_of(0).size(), 2u);
  ASSERT_EQ(::kill(worker, SIGKILL), 0);
  EXPECT_EQ(client.receive().body, "of s0.example");
  EXPECT_TRUE(sleeps(server, 0));
}

TEST(OnDemand, AnOpenConnectionKeepsItsSiteAwake) {
  Server server({.sites = sites(2, R"(, "idle_timeout": "1s")")});
  Client kept(server.port());
  kept.send(request(host_of(0)));
  EXPECT_EQ(kept.receive().status, 200);
  const auto worker = server.workers_of(0).at(0).pid;
  EXPECT_EQ(visit(server, 1), "of s1.example");
  EXPECT_TRUE(sleeps(server, 1));
  kept.send(request(host_of(0)));
  EXPECT_EQ(kept.receive().status, 200);
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
}

TEST(OnDemand, ASiteThatIsToRunAlwaysDoesNotSleep) {
  auto two = sites(2, R"(, "idle_timeout": "1s")");
  two[0].more += R"(, "start": "always")";
  Server server({.sites = two});
  const auto worker = server.workers_of(0).at(0).pid;
  EXPECT_EQ(visit(server, 0), "of s0.example");
  EXPECT_EQ(visit(server, 1), "of s1.example");
  EXPECT_TRUE(sleeps(server, 1));
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
}

// Visitors who come in the very moment in which the worker is told to leave, over and over, a
// little sooner and a little later.
TEST(OnDemand, NoVisitorIsLostInTheMomentOfGoingToSleep) {
  constexpr std::size_t count = 12;
  constexpr int rounds = 4;
  Server server({.sites = sites(count, R"(, "idle_timeout": "1s")"), .routers = 2});
  std::atomic<int> failures = 0;
  std::atomic<int> workers = 0;
  std::vector<std::thread> visitors;
  for (std::size_t site = 0; site < count; ++site) {
    visitors.emplace_back([&, site] {
      std::set<::pid_t> pids;
      for (int round = 0; round < rounds; ++round) {
        if (visit(server, site) != "of " + host_of(site)) ++failures;
        for (const auto& worker : server.workers_of(site)) pids.insert(worker.pid);
        const auto offset =
            std::chrono::microseconds(500) * (static_cast<int>(site) + round * 3 - 4);
        const auto next = Clock::now() + std::chrono::seconds(1) + offset;
        while (Clock::now() < next) std::this_thread::yield();
      }
      workers += static_cast<int>(pids.size());
    });
  }
  for (std::thread& visitor : visitors) visitor.join();
  EXPECT_EQ(failures, 0) << server.log();
  // The moment was met: in some rounds the worker was another.
  EXPECT_GT(workers, static_cast<int>(count));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_FALSE(contains(server.log(), "worker of")) << server.log();
}

TEST(OnDemand, WhoComesWhileARouterIsYetToLetGoIsServed) {
  Server server({.sites = sites(2, R"(, "idle_timeout": "1s")")});
  EXPECT_EQ(visit(server, 0), "of s0.example");
  const auto router = server.routers().at(0).pid;
  // The router that cannot hear keeps the worker that has been told to leave.
  ASSERT_EQ(::kill(router, SIGSTOP), 0);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request(host_of(0), "/", "Connection: close\r\n"));
  }
  wait_for(std::chrono::milliseconds(1500));  // until it has been told
  ASSERT_EQ(::kill(router, SIGCONT), 0);
  for (const auto& client : clients) EXPECT_EQ(client->receive().body, "of s0.example");
  EXPECT_TRUE(sleeps(server, 0));
}

TEST(OnDemand, MoreWorkersServeWhileVisitorsWaitAndLeaveAgain) {
  Server server({.sites = sites(1, R"(, "idle_timeout": "1s", "workers": { "min": 1, "max": 2 },
                                      "limits": { "connections": 4 })")});
  // Two of them, and the one that a router may have in reserve.
  std::vector<std::unique_ptr<Client>> holders;
  for (int i = 0; i < 3; ++i) {
    holders.push_back(std::make_unique<Client>(server.port()));
    holders.back()->send(request(host_of(0)));
    EXPECT_EQ(holders.back()->receive().status, 200);
  }
  EXPECT_EQ(server.workers_of(0).size(), 1u);
  EXPECT_EQ(visit(server, 0), "of s0.example");
  EXPECT_EQ(server.workers_of(0).size(), 2u);
  // The one that nobody needs any more goes; the one with connections stays.
  EXPECT_TRUE(eventually([&] { return server.workers_of(0).size() == 1; }));
  holders.front()->send(request(host_of(0)));
  EXPECT_EQ(holders.front()->receive().status, 200);
  holders.clear();
  EXPECT_TRUE(sleeps(server, 0));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_FALSE(contains(server.log(), "worker of")) << server.log();
}

TEST(OnDemand, TheSiteThatWasLeastRecentlyUsedMakesRoomForAnother) {
  Server server({.sites = sites(3, ""), .more = R"(, "child_groups": { "running": 2 })"});
  EXPECT_EQ(visit(server, 0), "of s0.example");
  EXPECT_EQ(visit(server, 1), "of s1.example");
  wait_for(std::chrono::seconds(1));
  EXPECT_EQ(visit(server, 0), "of s0.example");
  wait_for(std::chrono::seconds(2));  // both have said that they are idle
  EXPECT_EQ(visit(server, 2), "of s2.example");
  EXPECT_EQ(server.workers_of(0).size(), 1u);
  EXPECT_TRUE(server.workers_of(1).empty());
  EXPECT_EQ(server.workers_of(2).size(), 1u);
}

TEST(OnDemand, ASiteInUseMakesNoRoomAndTheVisitorIsToldToComeAgain) {
  Server server({.sites = sites(2, ""), .more = R"(, "child_groups": { "running": 1 },
                            "router": { "processes": 1, "queue_timeout": "1500ms" })"});
  // A start on a busy machine may take longer than that.
  ASSERT_TRUE(eventually([&] { return visit(server, 0) == "of s0.example"; }));
  Client kept(server.port());
  kept.send(request(host_of(0)));
  EXPECT_EQ(kept.receive().status, 200);
  const HttpResponse response = get(server.port(), host_of(1));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.fields.at("retry-after"), "1");
  kept.send(request(host_of(0), "/", "Connection: close\r\n"));
  EXPECT_EQ(kept.receive().status, 200);
  EXPECT_TRUE(eventually([&] { return visit(server, 1) == "of s1.example"; }));
  EXPECT_TRUE(server.workers_of(0).empty());
}

TEST(OnDemand, StartsAreRationedAndEveryVisitorIsServedInTheEnd) {
  constexpr std::size_t count = 8;
  Server server(
      {.sites = sites(count, ""), .more = R"(, "child_groups": { "starts_per_second": 3 })"});
  const auto begin = Clock::now();
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request(host_of(i)));
  }
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(clients[i]->receive().body, "of " + host_of(i));
  }
  // Three at once, five more at three a second.
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(1300));
}

TEST(OnDemand, AScanOfMoreSitesThanMayQueueIsAnsweredAndNoFloodOfProcesses) {
  constexpr std::size_t count = 12;
  Server server(
      {.sites = sites(count, ""), .more = R"(, "child_groups": { "starts_per_second": 1 })"});
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request(host_of(i), "/", "Connection: close\r\n"));
  }
  int served = 0;
  int told_to_come_again = 0;
  for (const auto& client : clients) {
    const int status = client->receive(false, 15'000).status;
    served += status == 200 ? 1 : 0;
    told_to_come_again += status == 503 ? 1 : 0;
  }
  EXPECT_EQ(served + told_to_come_again, static_cast<int>(count));
  EXPECT_GE(served, 5);
  EXPECT_GE(told_to_come_again, 5);
}

TEST(OnDemand, SitesSleepEarlyWhereTheirMemoryIsNeeded) {
  auto two = sites(2, "");
  two[0].more = R"(, "workers": 12)";
  Server server({.sites = two, .more = R"(, "child_groups": { "memory": "1M" })"});
  EXPECT_EQ(visit(server, 0), "of s0.example");
  EXPECT_TRUE(server.wait_for_log("workers hold more memory than"));
  EXPECT_TRUE(sleeps(server, 0));
  EXPECT_TRUE(eventually([&] { return visit(server, 1) == "of s1.example"; }));
}

}  // namespace
}  // namespace perchild::test::demand_test
