// Backends that speak HTTP/1.1: what is sent on to them, what of their answers is believed, and
// what goes wrong.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "test/system/played_backend.h"
#include "test/system/requests.h"

namespace perchild::test::proxy_test {
namespace {

ServerSpec proxy_site(const std::string& settings) {
  return {.sites = {{"a.example", {{"index.html", "a file"}}, settings},
                    {"b.example", {{"index.html", "of b"}}}}};
}

TEST(Proxy, ARequestIsSentOnAndItsResponseComesBack) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings()));
  Client client(server.port());
  client.send(request("a.example", "/x%20y?q=1",
                      "X-Y: z\r\nConnection: x-y, keep-alive\r\n"
                      "X_Forwarded_For: evil\r\nTE: trailers\r\n"));
  backend.accept();
  const std::string head = backend.receive_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("GET /x%20y?q=1 HTTP/1.1\r\n")) << head;
  EXPECT_TRUE(contains(head, "Host: a.example\r\n"));
  EXPECT_TRUE(contains(head, "X-Forwarded-For: 127.0.0.1\r\n"));
  EXPECT_TRUE(contains(head, "X-Forwarded-Proto: http\r\n"));
  EXPECT_FALSE(contains(head, "X-Y"));
  EXPECT_FALSE(contains(head, "evil"));
  EXPECT_FALSE(contains(head, "trailers"));
  backend.send("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nServer: x\r\nX-A: b\r\n\r\nhello");
  const HttpResponse response = client.receive();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.fields.at("server"), "perchild");
  EXPECT_EQ(response.fields.at("x-a"), "b");
  // The connection is kept for the next one.
  client.send(request("a.example", "/2"));
  EXPECT_TRUE(backend.receive_until("\r\n\r\n").starts_with("GET /2 HTTP/1.1\r\n"));
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(client.receive(true).status, 204);
}

// Its runner's walls are its programs' own.
TEST(Proxy, IsReachedThoughProgramsMayConnectToNoPort) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings() + R"(, "connect_ports": [])"));
  Client client(server.port());
  client.send(request("a.example"));
  backend.accept();
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(client.receive().body, "hi");
}

TEST(Proxy, BodiesAreFramedAnew) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings(R"(, "request_buffer": 4)")));
  const auto send = [&](Client& client, const std::string& body) {
    client.send(request("a.example", "/", "Transfer-Encoding: chunked\r\n", "POST") + body +
                "0\r\nTrailer: x\r\n\r\n");
    backend.accept();
  };
  Client short_one(server.port());
  send(short_one, "3;ext=\"x\"\r\nabc\r\n");
  const std::string whole = backend.receive_until("abc");
  EXPECT_TRUE(contains(whole, "Content-Length: 3\r\n")) << whole;
  EXPECT_FALSE(contains(whole, "Transfer-Encoding")) << whole;
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(short_one.receive(true).status, 204);

  Client client(server.port());
  send(client, "2;ext=\"x\"\r\nab\r\n4\r\ncdef\r\n");
  const std::string got = backend.receive_until("0\r\n\r\n");
  EXPECT_TRUE(contains(got, "Transfer-Encoding: chunked\r\n")) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n")) << got;
  backend.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\n");
  EXPECT_EQ(client.receive().body, "hi");
}

// Two that talk with each other: each waits for what the other says.
TEST(Proxy, ABodyIsPassedOnAsItComes) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings()));
  Client client(server.port());
  client.send(request("a.example", "/", "Transfer-Encoding: chunked\r\n", "POST") + "1\r\na\r\n");
  backend.accept();
  EXPECT_TRUE(backend.receive_until("\r\n\r\n1\r\na").ends_with("a"));
  backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n");
  EXPECT_EQ(client.receive(true).status, 200);
  EXPECT_TRUE(contains(client.receive_some(), "b"));
  client.send("1\r\nc\r\n0\r\n\r\n");
  EXPECT_TRUE(contains(backend.receive_until("0\r\n\r\n"), "1\r\nc\r\n0\r\n\r\n"));
  backend.send("0\r\n\r\n");
  EXPECT_TRUE(contains(client.receive_some(), "0\r\n\r\n"));
}

TEST(Proxy, EventsComeAsTheyAreSent) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings()));
  Client client(server.port());
  client.send(request("a.example", "/events"));
  backend.accept();
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  EXPECT_EQ(client.receive(true).status, 200);
  EXPECT_TRUE(contains(client.receive_some(), "data: 1\n\n"));
  backend.send("data: 2\n\n");
  EXPECT_TRUE(contains(client.receive_some(), "data: 2\n\n"));
  // Who goes away is not waited for.
  client = Client(server.port());
  EXPECT_TRUE(backend.is_ended());
}

// What a client has no room for is kept for it, while others' responses are read.
TEST(Proxy, WhoReadsSlowlyGetsTheBytesOfItsOwnResponse) {
  constexpr std::size_t size = 8 * 1024 * 1024;  // more than the kernel takes
  struct Visit {
    Client client;
    std::string answer;
    UniqueFd peer;
    std::future<bool> is_sent;
    std::string got;
  };
  for (const bool has_length : {true, false}) {
    PlayedBackend backend;
    const Server server(proxy_site(backend.settings()));
    std::vector<Visit> visits;
    for (const char letter : {'a', 'b', 'c'}) {
      Visit& visit = visits.emplace_back(Visit{Client(server.port()), {}, {}, {}, {}});
      visit.client.send("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
      backend.accept();
      backend.receive_until("\r\n\r\n");
      visit.peer = backend.take_peer();
      visit.answer = "HTTP/1.1 200 OK\r\n" +
                     (has_length ? "Content-Length: " + std::to_string(size) + "\r\n" : "") +
                     "\r\n" + std::string(size, letter);
    }
    for (Visit& visit : visits) {
      visit.is_sent = std::async(std::launch::async, [&visit] {
        const ssize_t sent =
            ::send(visit.peer.get(), visit.answer.data(), visit.answer.size(), MSG_NOSIGNAL);
        visit.peer.reset();
        return sent == static_cast<ssize_t>(visit.answer.size());
      });
    }
    for (bool any = true; std::exchange(any, false);) {
      for (Visit& visit : visits) {
        const std::string some = visit.client.receive_some();
        visit.got += some;
        any = any || !some.empty();
      }
    }
    for (Visit& visit : visits) {
      EXPECT_TRUE(visit.is_sent.get());
      const std::size_t end = visit.got.find("\r\n\r\n");
      ASSERT_NE(end, std::string::npos);
      EXPECT_TRUE(visit.got.substr(end + 4) == visit.answer.substr(visit.answer.size() - size));
    }
  }
}

TEST(Proxy, AnAnswerThatIsNoneIsA502) {
  for (const char* answer :
       {"hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
        "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ""}) {
    PlayedBackend backend;
    const Server server(proxy_site(backend.settings()));
    Client client(server.port());
    client.send(request("a.example"));
    backend.accept();
    backend.receive_until("\r\n\r\n");
    if (*answer != '\0') backend.send(answer);
    backend.close();
    EXPECT_EQ(client.receive().status, 502) << answer;
    EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  }
}

TEST(Proxy, WhoIsNotThereOrDoesNotAnswerIsTold) {
  std::string nowhere;
  {
    const PlayedBackend gone;
    nowhere = gone.settings();
  }
  const Server without(proxy_site(nowhere));
  EXPECT_EQ(get(without.port(), "a.example").status, 502);
  EXPECT_TRUE(error_log_has(without, 0, "nobody listens"));
  PlayedBackend silent;
  const Server server(proxy_site(silent.settings(R"(, "time_limit": "300ms")")));
  EXPECT_EQ(get(server.port(), "a.example").status, 504);
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
}

// By another connection, where the one that rested was closed with the request on its way.
TEST(Proxy, OnlyWhatMayBeAskedTwiceIsTriedAgainAndOnlyIfNothingHasComeOfIt) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings()));
  const auto answer = [&](Client& client) {
    backend.receive_until("\r\n\r\n");
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(client.receive().body, "ok");
  };
  const auto ask_first = [&](Client& client) {
    client.send(request("a.example"));
    backend.accept();
    answer(client);
  };
  Client client(server.port());
  ask_first(client);
  client.send(request("a.example", "/again"));
  EXPECT_TRUE(contains(backend.receive_until("\r\n\r\n"), "GET /again "));
  backend.close();
  backend.accept();
  answer(client);

  client.send(request("a.example", "/once", "Content-Length: 2\r\n", "POST") + "hi");
  backend.accept();
  EXPECT_TRUE(contains(backend.receive_until("hi"), "POST /once "));
  backend.close();
  EXPECT_EQ(client.receive().status, 502);

  Client other(server.port());
  ask_first(other);
  other.send(request("a.example", "/half"));
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 2");
  backend.close();
  EXPECT_EQ(other.receive().status, 502);
}

TEST(Proxy, WhatRanOutOfTimeIsNotAskedAgain) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings(R"(, "time_limit": "300ms")")));
  Client client(server.port());
  client.send(request("a.example"));
  backend.accept();
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(client.receive().body, "ok");
  client.send(request("a.example", "/silent"));
  EXPECT_TRUE(contains(backend.receive_until("\r\n\r\n"), "GET /silent "));
  EXPECT_EQ(client.receive().status, 504);
  EXPECT_FALSE(backend.is_asked_within(0));
}

TEST(Proxy, AnotherProtocolPassesBothWays) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings()));
  Client client(server.port());
  client.send(request("a.example", "/ws",
                      "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Key: k\r\n"));
  backend.accept();
  const std::string head = backend.receive_until("\r\n\r\n");
  EXPECT_TRUE(contains(head, "Upgrade: websocket\r\n")) << head;
  backend.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: a\r\n\r\nfirst");
  const HttpResponse response = client.receive(true);
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.fields.at("upgrade"), "websocket");
  EXPECT_EQ(response.fields.at("sec-websocket-accept"), "a");
  EXPECT_EQ(client.receive_some(), "first");
  client.send("ping");
  EXPECT_EQ(backend.receive_until("ping"), "ping");
  backend.send("pong");
  EXPECT_EQ(client.receive_some(), "pong");
  backend.close();
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Proxy, HintsComeBeforeTheResponseAndOtherInterimResponsesDoNot) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings()));
  Client client(server.port());
  client.send(request("a.example"));
  backend.accept();
  backend.receive_until("\r\n\r\n");
  backend.send(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
      "X-Y: z\r\nLink: </b.css>\r\n\r\n");
  const HttpResponse hints = client.receive(true);
  EXPECT_EQ(hints.head,
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>\r\n\r\n");
  backend.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(client.receive().body, "hi");
  // A client of old does not know them.
  Client old(server.port());
  old.send("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(old.receive(true).status, 204);
}

TEST(Proxy, APathIsSentOnAsItWasWrittenUnlessThatCouldMeanAnother) {
  PlayedBackend backend;
  const Server server(proxy_site(
      backend.settings() +
      R"(, "try": ["{path}"], "locations": [{"prefix": "/secret", "access": {"deny": ["all"]}}])"));
  for (const auto& [asked, sent] : {std::pair{"/@a%2Fb%20c?d=%2F", "/@a%2Fb%20c?d=%2F"},
                                    {"/a//b;c", "/a//b;c"},
                                    {"/secret/../a", "/a"},
                                    {"/a/%2e%2E/b", "/b"}}) {
    Client client(server.port());
    client.send(request("a.example", asked));
    backend.accept();
    const std::string head = backend.receive_until("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("GET " + std::string(sent) + " HTTP/1.1\r\n")) << asked << head;
    backend.close();
    EXPECT_EQ(client.receive().status, 502);
  }
  EXPECT_EQ(get(server.port(), "a.example", "/secret%2Fa").status, 403);
  for (const char* ambiguous : {"/secret/a%2F..%2F..%2Fb", "/a%2F..", "/a%2F./b"}) {
    EXPECT_EQ(get(server.port(), "a.example", ambiguous).status, 404) << ambiguous;
  }
  EXPECT_EQ(get(server.port(), "b.example", "/a%2Fb").status, 404);
}

TEST(Proxy, FilesThatAreTriedComeBeforeIt) {
  PlayedBackend backend;
  const Server server(proxy_site(backend.settings() + R"(, "try": ["{path}", "{path}/"])"));
  EXPECT_EQ(get(server.port(), "a.example", "/index.html").body, "a file");
  Client client(server.port());
  client.send(request("a.example", "/.env"));
  backend.accept();
  EXPECT_TRUE(backend.receive_until("\r\n\r\n").starts_with("GET /.env "));
}

}  // namespace
}  // namespace perchild::test::proxy_test
