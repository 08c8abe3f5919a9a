// Request bodies, and how slow a client may be.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "test/system/requests.h"

namespace perchild::test::bodies_test {
namespace {

std::vector<SiteSpec> site(const std::string& more = {}) {
  return {{"a.example", {{"index.html", "of a"}}, more}};
}

std::string expecting(const std::string& fields, const std::string& method = "GET") {
  return request("a.example", "/", fields + "Expect: 100-continue\r\n", method);
}

const std::string continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

TEST(Bodies, AClientThatWaitsIsAskedForItsBody) {
  Server server({.sites = site()});
  Client client(server.port());
  for (const auto& [framing, body] :
       {std::pair<std::string, std::string>{"Content-Length: 5\r\n", "hello"},
        {"Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"}}) {
    client.send(expecting(framing));
    EXPECT_EQ(client.receive_some(), continue_line);
    client.send(body);
    EXPECT_EQ(client.receive().body, "of a") << "and the connection goes on";
  }
}

TEST(Bodies, AClientThatDoesNotWaitIsNotAsked) {
  Server server({.sites = site()});
  Client client(server.port());
  client.send(expecting("Content-Length: 5\r\n") + "hel");
  client.send("lo");
  EXPECT_EQ(client.receive().status, 200);
  client.send(expecting("Content-Length: 0\r\n"));
  EXPECT_EQ(client.receive().status, 200) << "no body, nothing to ask for";
}

TEST(Bodies, ARefusalComesInsteadOf100) {
  Server server({.sites = site(R"(, "limits": { "body": "1K" })")});
  for (const auto& [bytes, status] :
       {std::pair<std::string, int>{expecting("Content-Length: 2000\r\n"), 413},
        {expecting("Content-Length: 5\r\n", "PUT"), 405},
        {request("other.example", "/", "Content-Length: 5\r\nExpect: 100-continue\r\n"), 421},
        {expecting("Content-Length: 5\r\n", "TRACE"), 405}}) {
    Client client(server.port());
    client.send(request("a.example"));
    EXPECT_EQ(client.receive().status, 200);
    client.send(bytes);
    const HttpResponse response = client.receive();
    EXPECT_EQ(response.status, status) << bytes;
    EXPECT_EQ(response.fields.at("connection"), "close") << bytes;
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST(Bodies, AChunkedBodyBeyondTheLimitIsRefusedAfter100) {
  Server server({.sites = site(R"(, "limits": { "body": "1K" })")});
  Client client(server.port());
  client.send(expecting("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(client.receive_some(), continue_line);
  client.send("401\r\n" + std::string(1025, 'x'));
  EXPECT_EQ(client.receive().status, 413);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(error_log_has(server, 0, "GET /: the body is too large"));
}

TEST(Bodies, ALargeBodyIsSkippedHoweverItIsFramed) {
  Server server({.sites = site(R"(, "limits": { "body": "64M" })")});
  const std::string body(5'000'000, 'x');
  Client client(server.port());
  client.send(request("a.example", "/", "Content-Length: 5000000\r\n") + body +
              request("a.example", "/missing"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 404);
  std::string chunks;
  for (int i = 0; i < 5000; ++i)
    chunks += "3e8;n=" + std::to_string(i % 10) + "\r\n" + body.substr(0, 1000) + "\r\n";
  client.send(request("a.example", "/", "Transfer-Encoding: chunked\r\n") +
              chunks.substr(0, chunks.size() / 2));
  client.send(chunks.substr(chunks.size() / 2) + "0\r\n\r\n" + request("a.example", "/missing"));
  EXPECT_EQ(client.receive().status, 400) << "the extensions of all chunks together are too long";
}

TEST(Bodies, ManyChunksAreSkipped) {
  Server server({.sites = site(R"(, "limits": { "body": "64M" })")});
  std::string chunks;
  for (int i = 0; i < 5000; ++i) chunks += "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  Client client(server.port());
  client.send(request("a.example", "/", "Transfer-Encoding: chunked\r\n") + chunks + "0\r\n\r\n" +
              request("a.example", "/missing"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 404);
}

TEST(Bodies, TraceIsRefusedAndEchoesNothing) {
  Server server({.sites = site()});
  const HttpResponse response =
      ask(server, request("a.example", "/", "Cookie: secret\r\n", "TRACE"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.fields.at("allow"), "GET, HEAD, OPTIONS");
  EXPECT_FALSE(contains(response.body, "secret"));
}

TEST(Bodies, TraceIsPassedOnToNoProgram) {
  const std::string echo = "<?php echo $_SERVER['HTTP_COOKIE'];";
  const std::string nobody =
      R"(, "proxy": {"to": "http://127.0.0.1:)" + std::to_string(free_port()) + "\"}";
  const Server server(
      {.sites = {{"a.example", {{"x.php", echo}}, R"(, "php": true)"}, {"b.example", {}, nobody}}});
  const std::string cookie = "Cookie: secret\r\n";
  EXPECT_EQ(ask(server, request("a.example", "/x.php", cookie)).body, "secret");
  EXPECT_EQ(ask(server, request("b.example", "/", cookie)).status, 502);
  for (const auto& [host, target] : {std::pair{"a.example", "/x.php"}, {"b.example", "/"}}) {
    const HttpResponse response = ask(server, request(host, target, cookie, "TRACE"));
    EXPECT_EQ(response.status, 405) << host;
    EXPECT_EQ(response.fields.at("allow"), "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE") << host;
    EXPECT_FALSE(contains(response.body, "secret")) << host;
  }
}

// ---- slow clients

// Sends a piece every 50 ms until the server says something; what that is.
HttpResponse trickle(Client& client, const std::string& piece, int most) {
  for (int i = 0; i < most; ++i) {
    client.send(piece);
    const HttpResponse response = client.receive(false, 50);
    if (response.status != 0) return response;
  }
  return {};
}

TEST(SlowClients, ABodyThatComesTooSlowlyIsAnswered408) {
  Server server({.sites = site(R"(, "timeouts": { "body": "500ms" },
                                  "minimum_rates": { "body": "1K" })")});
  Client client(server.port());
  client.send(request("a.example", "/", "Content-Length: 10000\r\n"));
  EXPECT_EQ(trickle(client, "x", 200).status, 408);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(error_log_has(server, 0, "GET /: the body took too long"));
}

TEST(SlowClients, ABodyThatKeepsUpTakesAsLongAsItNeeds) {
  Server server({.sites = site(R"(, "timeouts": { "body": "500ms" },
                                  "minimum_rates": { "body": "1K" })")});
  Client client(server.port());
  client.send(request("a.example", "/", "Content-Length: 10000\r\n"));
  const std::int64_t start = now_ms();
  // 200 bytes every 50 ms are four times the minimum, for five times the period.
  EXPECT_EQ(trickle(client, std::string(200, 'x'), 50).status, 200);
  EXPECT_GE(now_ms() - start, 1500);
}

TEST(SlowClients, WithoutAMinimumAByteATimeIsEnough) {
  Server server({.sites = site(R"(, "timeouts": { "body": "500ms" },
                                  "minimum_rates": { "body": 0 })")});
  Client client(server.port());
  client.send(request("a.example", "/", "Content-Length: 30\r\n"));
  EXPECT_EQ(trickle(client, "x", 30).status, 200);
}

// Reads `bytes` every 50 ms until the connection ends; how much came in all.
std::size_t read_slowly(Client& client, std::size_t bytes, std::size_t most) {
  std::size_t got = 0;
  std::int64_t next = now_ms();
  std::string buffer(bytes, '\0');
  while (got < most) {
    const ssize_t count = ::recv(client.fd().get(), buffer.data(), bytes, MSG_WAITALL);
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
    next += 50;
    while (now_ms() < next) pause_briefly();
  }
  return got;
}

Client reader_of(const Server& server, const std::string& target, int room) {
  Client client(server.port());
  EXPECT_EQ(::setsockopt(client.fd().get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
  client.send(request("a.example", target, "Connection: close\r\n"));
  return client;
}

TEST(SlowClients, AResponseThatIsTakenTooSlowlyEnds) {
  constexpr std::size_t size = 16UL * 1024 * 1024;
  Server server({.sites = site(R"(, "timeouts": { "send": "500ms" },
                                  "minimum_rates": { "response": "1M" })")});
  server.add_file(0, "big", std::string(size, 'x'));
  Client client = reader_of(server, "/big", 8 * 1024);
  EXPECT_EQ(read_slowly(client, 1024, 30 * 1024), 30U * 1024);
  EXPECT_TRUE(error_log_has(server, 0, "GET /big: the client took the response too slowly"));
  EXPECT_FALSE(contains(server.access_log(0), " 200 16777216 "));
}

TEST(SlowClients, AResponseThatIsTakenFastEnoughArrivesWhole) {
  constexpr std::size_t size = 4UL * 1024 * 1024;
  Server server({.sites = site(R"(, "timeouts": { "send": "500ms" },
                                  "minimum_rates": { "response": "64K" })")});
  server.add_file(0, "big", std::string(size, 'x'));
  Client client = reader_of(server, "/big", 256 * 1024);
  EXPECT_GT(read_slowly(client, 64 * 1024, size * 2), size);
  EXPECT_EQ(server.error_log(0), "");
}

}  // namespace
}  // namespace perchild::test::bodies_test
