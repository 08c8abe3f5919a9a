// How long a client may take. The configured times are short; the deadlines of the tests are not.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>

#include "test/system/requests.h"

namespace perchild::test::timeouts_test {
namespace {

constexpr const char* quick_router = R"(, "router": { "processes": 1, "head_timeout": "300ms" })";

std::vector<SiteSpec> hasty_site() {
  return {
      {"a.example",
       {{"index.html", "of a"}},
       R"(, "timeouts": { "head": "300ms", "idle": "300ms", "body": "500ms", "send": "500ms" })"}};
}

// One that leaves time for everything but a head.
std::vector<SiteSpec> site_with(const std::string& timeouts) {
  return {{"a.example", {{"index.html", "of a"}}, R"(, "timeouts": { )" + timeouts + " }"}};
}

bool readable_within(const Client& client, int milliseconds) {
  ::pollfd polled{client.fd().get(), POLLIN, 0};
  return ::poll(&polled, 1, milliseconds) == 1;
}

// Sends a byte now and then, as long as nothing comes back; false if nothing ever does.
bool trickle_until_answered(Client& client, const std::string& bytes) {
  for (const char c : bytes) {
    client.send({&c, 1});
    if (readable_within(client, 50)) return true;
  }
  return false;
}

const std::string endless_head = "GET / HTTP/1.1\r\nHost: a.example\r\nX: " + std::string(250, 'x');

TEST(Timeouts, APartialHeadIsAnswered408ByTheRouter) {
  Server server({.sites = two_sites(), .more = quick_router});
  Client client(server.port());
  const std::int64_t start = now_ms();
  client.send("GET / HTTP/1.1\r\nHost: a.exam");
  const HttpResponse response = client.receive();
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_GE(now_ms() - start, 250);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(server.wait_for_log("refused with 408: the head took too long"));
  EXPECT_TRUE(server.workers_of(0).empty());
}

TEST(Timeouts, TricklingDoesNotMoveTheRoutersDeadline) {
  Server server({.sites = two_sites(), .more = quick_router});
  Client client(server.port());
  EXPECT_TRUE(trickle_until_answered(client, endless_head));
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Timeouts, ASilentClientIsDisconnectedWithoutAWord) {
  Server server({.sites = two_sites(), .more = quick_router});
  Client client(server.port());
  EXPECT_TRUE(client.closed_by_server(60'000));
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
}

TEST(Timeouts, APartialSecondHeadIsAnswered408ByTheWorker) {
  Server server({.sites = hasty_site()});
  Client client(server.port());
  client.send(request("a.example") + "GET /second HTTP/1.1\r\nHo");
  EXPECT_EQ(client.receive().status, 200);
  const HttpResponse response = client.receive();
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /second HTTP/1.1\" 408 "));
  EXPECT_TRUE(error_log_has(server, 0, "GET /second: the head took too long"));
}

TEST(Timeouts, TricklingDoesNotMoveTheWorkersDeadline) {
  Server server({.sites = site_with(R"("head": "300ms", "idle": "1h", "send": "1h")")});
  Client client(server.port());
  client.send(request("a.example"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(trickle_until_answered(client, endless_head));
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Timeouts, AnIdleConnectionIsClosedWithoutAWord) {
  Server server({.sites = hasty_site()});
  Client client(server.port());
  const std::int64_t start = now_ms();
  client.send(request("a.example"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_GE(now_ms() - start, 250);
  EXPECT_EQ(count_of(server.access_log(0), "\n"), 1u);
  EXPECT_EQ(server.error_log(0), "");
}

TEST(Timeouts, EachRequestGivesAnIdleConnectionItsTimeAnew) {
  Server server({.sites = site_with(R"("idle": "1s")")});
  Client client(server.port());
  const std::int64_t start = now_ms();
  while (now_ms() - start < 2500) {
    client.send(request("a.example"));
    ASSERT_EQ(client.receive().status, 200);
    ASSERT_FALSE(readable_within(client, 200));
  }
}

TEST(Timeouts, ABodyThatDoesNotArriveIsAnswered408) {
  Server server({.sites = hasty_site()});
  for (const char* body :
       {"Content-Length: 10\r\n\r\n12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"}) {
    Client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: a.example\r\n" + std::string(body));
    EXPECT_EQ(client.receive().status, 408) << body;
    EXPECT_TRUE(client.closed_by_server());
  }
  EXPECT_TRUE(error_log_has(server, 0, "GET /: the body took too long"));
}

TEST(Timeouts, AClientThatDoesNotReadIsDisconnected) {
  constexpr std::size_t size = 32UL * 1024 * 1024;
  Server server({.sites = hasty_site()});
  server.add_file(0, "big", std::string(size, 'x'));
  Client client(server.port());
  client.send(request("a.example", "/big"));
  // Not a byte is read until the worker has given up.
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /big HTTP/1.1\" 200 "));
  EXPECT_FALSE(contains(server.access_log(0), " 200 33554432 "));
  EXPECT_EQ(client.receive(true).status, 200);
  const auto body = client.receive_to_end();
  ASSERT_TRUE(body.has_value());
  EXPECT_LT(body->size(), size);
}

TEST(Timeouts, AClientThatReadsSlowlyIsNotDisconnected) {
  constexpr std::size_t size = 4UL * 1024 * 1024;
  Server server({.sites = site_with(R"("send": "2s")")});
  server.add_file(0, "big", std::string(size, 'x'));
  Client client(server.port());
  const int bytes = 16 * 1024;
  ASSERT_EQ(::setsockopt(client.fd().get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
  client.send(request("a.example", "/big", "Connection: close\r\n"));
  EXPECT_EQ(client.receive(true).status, 200);
  std::size_t got = 0;
  const std::int64_t start = now_ms();
  for (std::string part = client.receive_some(); !part.empty(); part = client.receive_some()) {
    got += part.size();
    while (now_ms() - start < static_cast<std::int64_t>(got * 3000 / size)) pause_briefly();
  }
  EXPECT_EQ(got, size);
  EXPECT_GE(now_ms() - start, 2500);
}

TEST(Timeouts, AConnectionThatNoWorkerTakesIsAnswered503) {
  Server server({.sites = two_sites(R"(, "limits": { "connections": 4 })"),
                 .more = R"(, "router": { "processes": 1, "queue_timeout": "1s" })"});
  // A start on a busy machine may take longer than that.
  ASSERT_TRUE(eventually([&] { return get(server.port(), "a.example").status == 200; }));
  std::vector<std::unique_ptr<Client>> open;
  HttpResponse response;
  do {
    open.push_back(std::make_unique<Client>(server.port()));
    open.back()->send(request("a.example"));
    response = open.back()->receive();
  } while (response.status == 200 && open.size() < 10);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.fields.at("retry-after"), "1");
  EXPECT_EQ(open.size(), 4u + 1 + 1);  // the limit, one for the router, and the one refused
  EXPECT_TRUE(server.wait_for_log("503: the site did not take the connection in time"));
  EXPECT_EQ(get(server.port(), "b.example").status, 200);
  open.clear();
  EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example").status == 200; }));
}

}  // namespace
}  // namespace perchild::test::timeouts_test
