// What is counted of a site's requests, and that nothing of it is lost when its processes go.
#include <gtest/gtest.h>
#include <signal.h>

#include "test/system/asking.h"

namespace perchild::test::traffic_test {
namespace {

// Whether the site's counts come to this: a process reports within a second or two.
bool comes_to(const Server& server, const std::string& site, const std::string& pointer,
              const nlohmann::json& value) {
  return eventually([&] {
    return status_of_site(server, site).at(nlohmann::json::json_pointer(pointer)) == value;
  });
}

std::uint64_t number_at(const Server& server, const std::string& site, const std::string& pointer) {
  return status_of_site(server, site).at(nlohmann::json::json_pointer(pointer));
}

TEST(Traffic, RequestsAreCountedByTheirStatus) {
  Server server({.sites = two_sites()});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(get(server.port(), "a.example", "/missing").status, 404);
  EXPECT_EQ(ask(server, "GET / HTTP/1.1\r\nHost: a.example\r\nExpect: x\r\n\r\n").status, 417);
  EXPECT_TRUE(comes_to(server, "a.example", "/requests/2xx", 3)) << status(server).output;
  EXPECT_TRUE(comes_to(server, "a.example", "/requests/4xx", 1)) << status(server).output;
  EXPECT_EQ(number_at(server, "a.example", "/requests/5xx"), 0U);
  EXPECT_EQ(number_at(server, "b.example", "/requests/2xx"), 0U);
}

TEST(Traffic, BytesAreThoseOfWholeRequestsAndResponses) {
  Server server({.sites = two_sites()});
  server.add_file(0, "big", std::string(300'000, 'x'));
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  const std::string body = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello";
  for (const std::string& bytes :
       {request("a.example"), request("a.example", "/big"), request("a.example", "/missing"),
        request("a.example", "/big", "", "HEAD"), body}) {
    Client client(server.port());
    client.send(bytes);
    client.close_sending();
    in += bytes.size();
    const auto received = client.receive_to_end();
    ASSERT_TRUE(received);
    out += received->size();
  }
  EXPECT_TRUE(comes_to(server, "a.example", "/bytes_out", out)) << out << status(server).output;
  EXPECT_TRUE(comes_to(server, "a.example", "/bytes_in", in)) << in << status(server).output;
}

TEST(Traffic, ConnectionsAreThoseThatAreOpen) {
  Server server({.sites = two_sites()});
  Client first(server.port());
  first.send(request("a.example"));
  ASSERT_EQ(first.receive().status, 200);
  EXPECT_TRUE(comes_to(server, "a.example", "/connections", 1));
  {
    Client second(server.port());
    second.send(request("a.example"));
    ASSERT_EQ(second.receive().status, 200);
    EXPECT_TRUE(comes_to(server, "a.example", "/connections", 2));
  }
  EXPECT_TRUE(comes_to(server, "a.example", "/connections", 1));
}

TEST(Traffic, LatencyHasARequestsTimeAndNoMore) {
  Server server({.sites = two_sites()});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  ASSERT_TRUE(comes_to(server, "a.example", "/requests/2xx", 1));
  const double p50 = status_of_site(server, "a.example").at("latency_us").at("p50");
  const double p99 = status_of_site(server, "a.example").at("latency_us").at("p99");
  EXPECT_GT(p50, 0);
  EXPECT_GE(p99, p50);
  EXPECT_LT(p99, 10e6);
}

TEST(Traffic, ProcessorTimeAndMemoryAreMeasured) {
  Server server({.sites = two_sites()});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_GT(number_at(server, "a.example", "/cpu_us"), 0U);
  EXPECT_GT(number_at(server, "a.example", "/memory"), 4096U);
  EXPECT_EQ(number_at(server, "b.example", "/cpu_us"), 0U);
  EXPECT_EQ(number_at(server, "b.example", "/memory"), 0U);
}

TEST(Traffic, OutlivesAWorkerThatLeaves) {
  Server server({.sites = two_sites(", \"idle_timeout\": \"100ms\"")});
  std::uint64_t requests = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i, ++requests) ASSERT_EQ(get(server.port(), "a.example").status, 200);
    ASSERT_TRUE(eventually([&] { return server.workers_of(0).empty(); }));
    EXPECT_TRUE(comes_to(server, "a.example", "/processes", 0));
    EXPECT_EQ(number_at(server, "a.example", "/requests/2xx"), requests);
    EXPECT_EQ(number_at(server, "a.example", "/connections"), 0U);
    EXPECT_GT(number_at(server, "a.example", "/cpu_us"), 0U);
    EXPECT_EQ(number_at(server, "a.example", "/restarts"), 0U);
  }
}

TEST(Traffic, OutlivesAWorkerThatIsKilled) {
  Server server({.sites = two_sites()});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  ASSERT_TRUE(comes_to(server, "a.example", "/requests/2xx", 1));
  const std::uint64_t cpu = number_at(server, "a.example", "/cpu_us");
  ASSERT_EQ(::kill(server.workers_of(0).at(0).pid, SIGKILL), 0);
  ASSERT_TRUE(comes_to(server, "a.example", "/restarts", 1));
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_TRUE(comes_to(server, "a.example", "/requests/2xx", 2));
  EXPECT_GE(number_at(server, "a.example", "/cpu_us"), cpu);
}

TEST(Traffic, OfSeveralWorkersIsTheirSum) {
  Server server({.sites = two_sites(", \"workers\": 3")});
  for (int i = 0; i < 30; ++i) ASSERT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_TRUE(comes_to(server, "a.example", "/requests/2xx", 30)) << status(server).output;
  EXPECT_EQ(number_at(server, "a.example", "/processes"), 3U);
}

TEST(Traffic, ConnectionsThatRoutersRefuseForASiteAreCounted) {
  Server server({.sites = two_sites(), .routers = 2});
  ASSERT_EQ(::rename(server.docroot(0).c_str(), (server.docroot(0) + ".away").c_str()), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(server.port(), "a.example").status, 503);
  EXPECT_TRUE(comes_to(server, "a.example", "/refused", 5)) << status(server).output;
  EXPECT_EQ(number_at(server, "b.example", "/refused"), 0U);
}

TEST(Traffic, ConnectionsThatWaitAreCounted) {
  Server server({.sites = two_sites(R"(, "limits": { "connections": 1 })")});
  // All that the worker has room for, and two more.
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  }
  EXPECT_TRUE(comes_to(server, "a.example", "/queue", 2)) << status(server).output;
  clients.clear();
  EXPECT_TRUE(comes_to(server, "a.example", "/queue", 0)) << status(server).output;
}

TEST(Traffic, OfTheWholeServerOutlivesARouter) {
  Server server({.sites = two_sites()});
  const auto counted = [&](const char* what) {
    return status_of_all(server).at("connections").at(what);
  };
  for (int i = 0; i < 3; ++i) ASSERT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(get(server.port(), "nobody.example").status, 421);
  ASSERT_TRUE(eventually([&] { return counted("accepted") == 4; }));
  ASSERT_EQ(::kill(server.routers().at(0).pid, SIGKILL), 0);
  ASSERT_TRUE(server.wait_for_log("router 0"));
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_TRUE(eventually([&] { return counted("accepted") == 5; })) << status(server).output;
  // A report may go between a connection's arrival and its hand-over.
  EXPECT_TRUE(eventually([&] { return counted("handed_over") == 4; })) << status(server).output;
  EXPECT_EQ(counted("refused"), 1);
}

}  // namespace
}  // namespace perchild::test::traffic_test
