// Requests with bodies, and requests that are refused.
#include <gtest/gtest.h>

#include <cstdio>
#include <utility>

#include "test/support/open_files.h"
#include "test/system/requests.h"

namespace perchild::test::refusal_test {
namespace {

std::vector<SiteSpec> one_site() {
  return {{"a.example", {{"index.html", "of a"}}, R"(, "limits": { "body": "1K" })"}};
}

// The status of a refused request, both as a connection's first (the router sees it) and as its
// second (the worker does); each time the connection must close.
int refused_status(const Server& server, const std::string& bytes) {
  Client first(server.port());
  first.send(bytes);
  const HttpResponse of_router = first.receive();
  const int by_first = of_router.status;
  EXPECT_TRUE(first.closed_by_server()) << bytes.substr(0, 80);
  Client second(server.port());
  second.send(request("a.example") + bytes);
  EXPECT_EQ(second.receive().status, 200);
  const HttpResponse of_worker = second.receive();
  EXPECT_EQ(of_worker.status, by_first) << bytes.substr(0, 80);
  EXPECT_EQ(of_router.fields.at("server"), of_worker.fields.at("server"));
  EXPECT_TRUE(second.closed_by_server()) << bytes.substr(0, 80);
  return by_first;
}

TEST(Refusal, MalformedHeadsAreAnswered400) {
  Server server({.sites = one_site()});
  for (const char* bytes :
       {"GET / HTTP/1.1\nHost: a.example\n\n", "GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a.example\r\n\r\n", "GET / HTTX/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: +1\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01"}) {
    EXPECT_EQ(refused_status(server, bytes), 400) << bytes;
  }
}

TEST(Refusal, LengthAndEncodingTogetherAreAnswered400) {
  Server server({.sites = one_site()});
  const std::string both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
  EXPECT_EQ(refused_status(server, request("a.example", "/", both) + "0\r\n\r\n"), 400);
}

// What two programs in a row might take for different requests.
TEST(Refusal, SmugglingShapesAreRefusedWithTheirReasonAndTheConnectionCloses) {
  struct Case {
    std::string head;
    int status;
    std::string reason;
  };
  const auto with = [](const std::string& fields) { return request("a.example", "/", fields); };
  for (const Case& each : std::vector<Case>{
           {with("Content-Length: 5\r\nContent-Length: 5\r\n"), 400,
            "there is more than one Content-Length field"},
           {with("Content-Length: 5, 5\r\n"), 400, "Content-Length is not a decimal number"},
           {with("Content-Length: +5\r\n"), 400, "Content-Length is not a decimal number"},
           {with("Content-Length: -5\r\n"), 400, "Content-Length is not a decimal number"},
           {with("Content-Length: 0x5\r\n"), 400, "Content-Length is not a decimal number"},
           {with("Content-Length: 5 5\r\n"), 400, "Content-Length is not a decimal number"},
           {with("Content-Length: 99999999999999999999\r\n"), 400,
            "Content-Length is not a decimal number"},
           {with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400,
            "both Content-Length and Transfer-Encoding are present"},
           {with("Transfer-Encoding: chunked, chunked\r\n"), 501,
            "Transfer-Encoding is not exactly"},
           {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 501,
            "Transfer-Encoding is not exactly"},
           {with("Transfer-Encoding: xchunked\r\n"), 501, "Transfer-Encoding is not exactly"},
           {with("Transfer-Encoding: \"chunked\"\r\n"), 501, "Transfer-Encoding is not exactly"},
           {with("Transfer-Encoding:\vchunked\r\n"), 400, "a field value is malformed"},
           {with("Transfer-Encoding : chunked\r\n"), 400, "a field name is not a token"},
           {with("X: y\r\n Content-Length: 5\r\n"), 400, "a field line begins with whitespace"},
           {with("X: y\rContent-Length: 5\r\n"), 400, "a line does not end in CRLF"},
           {with("X: y\nContent-Length: 5\r\n"), 400, "a line does not end in CRLF"},
           {with("Host: b.example\r\n"), 400, "there is more than one Host field"},
           {"GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400,
            "the request target and the Host field disagree"},
           {"GET http://a.example:81/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400,
            "the request target and the Host field disagree"},
           {"GET http://x@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400,
            "the request target is malformed"},
           {"GET / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "Transfer-Encoding in an HTTP/1.0 request"}}) {
    Server server({.sites = one_site()});  // each its own: a log takes 20 lines a second
    EXPECT_EQ(refused_status(server, each.head + "0\r\n\r\n"), each.status) << each.head;
    EXPECT_TRUE(error_log_has(server, 0, each.reason)) << each.head;
  }
}

TEST(Refusal, EveryReasonHasItsStatusAndItsLine) {
  Server server({.sites = one_site()});
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": x\r\n";
  struct Case {
    std::string head;
    int status;
    std::string reason;
  };
  const auto with = [](const std::string& fields) { return request("a.example", "/", fields); };
  const std::vector<Case> cases{
      {request("a.example", "/" + std::string(8 * 1024, 'x')), 414,
       "the request target is too long"},
      {with("X: " + std::string(17 * 1024, 'x') + "\r\n"), 431, "the request head is too large"},
      {with(many), 431, "the request head has too many fields"},
      {with("Expect: 200-maybe\r\n"), 417, "the Expect field asks for more than 100-continue"},
      {with("Transfer-Encoding: gzip, chunked\r\n"), 501, "Transfer-Encoding is not exactly"},
      {"GET / HTTP/2.0\r\nHost: a.example\r\n\r\n", 505, "the protocol version is not HTTP/1"},
      {"G(T / HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "the method is not a token"},
      {"GET / HTTP/1.x\r\nHost: a.example\r\n\r\n", 400, "the protocol version is malformed"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "no host is named"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "the host or its port is malformed"},
      {"GET /\r\nHost: a.example\r\n\r\n", 400, "the request line is malformed"}};
  // As second requests: the worker knows whose log it is, whatever the head says.
  for (const Case& each : cases) {
    Client client(server.port());
    client.send(request("a.example") + each.head);
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(client.receive().status, each.status) << each.reason;
    EXPECT_TRUE(error_log_has(server, 0, each.reason)) << each.reason;
  }
  for (const Case& each : cases) EXPECT_EQ(refused_status(server, each.head), each.status);
  EXPECT_EQ(refused_status(server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
}

TEST(Refusal, WhatTheWorkerRefusesIsInItsLogs) {
  Server server({.sites = one_site()});
  Client client(server.port());
  client.send(request("a.example") + "GET /there HTTP/1.1\r\nHost: a.example\r\nBad Name: x\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /there HTTP/1.1\" 400 "));
  EXPECT_TRUE(error_log_has(server, 0, "GET /there: a field name is not a token"));
}

TEST(Refusal, AMissingFileIsAnswered404AndIsNoMatterForTheErrorLog) {
  Server server({.sites = one_site()});
  const HttpResponse response = get(server.port(), "a.example", "/missing");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.fields.at("content-type"), "text/html; charset=utf-8");
  EXPECT_TRUE(contains(response.body, "<h1>Not Found</h1>"));
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /missing HTTP/1.1\" 404 "));
  EXPECT_EQ(server.error_log(0), "");
}

TEST(Refusal, WhatCannotBeOpenedForTheServersReasonsIsAnswered500) {
  Server server({.sites = one_site()});
  Client client(server.port());
  client.send(request("a.example"));
  ASSERT_EQ(client.receive().status, 200);
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  const ::rlimit before = limit_of_open_files(worker);
  limit_open_files(worker, {0, before.rlim_max});
  client.send(request("a.example", "/index.html"));
  EXPECT_EQ(client.receive().status, 500);
  limit_open_files(worker, before);
  client.send(request("a.example", "/index.html"));
  EXPECT_EQ(client.receive().body, "of a");
  EXPECT_TRUE(error_log_has(server, 0, "GET /index.html: cannot open: Too many open files"));
}

TEST(Refusal, ABodyIsSkippedAndTheNextRequestIsFound) {
  Server server({.sites = one_site()});
  Client client(server.port());
  const std::string body = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
  const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  char chunk[16];
  std::snprintf(chunk, sizeof chunk, "%zx\r\n", body.size());
  client.send(request("a.example", "/", length) + body + request("a.example", "/missing") +
              request("a.example", "/", "Transfer-Encoding: chunked\r\n") + chunk + body +
              "\r\n5;ext=\"x\"\r\nGET /\r\n0\r\nTrailer: x\r\n\r\n" +
              request("a.example", "/missing"));
  for (const int status : {200, 404, 200, 404}) EXPECT_EQ(client.receive().status, status);
  EXPECT_TRUE(eventually([&] { return count_of(server.access_log(0), "\n") == 4; }));
  EXPECT_FALSE(contains(server.access_log(0), "smuggled"));
}

TEST(Refusal, ABodyThatArrivesInPiecesIsSkipped) {
  Server server({.sites = one_site()});
  Client client(server.port());
  const std::string bytes = request("a.example", "/", "Content-Length: 4\r\n") + "GET " +
                            request("a.example", "/", "Transfer-Encoding: chunked\r\n") +
                            "4\r\nGET \r\n0\r\n\r\n";
  for (const char c : bytes) client.send({&c, 1});
  EXPECT_EQ(client.receive().body, "of a");
  EXPECT_EQ(client.receive().body, "of a");
}

TEST(Refusal, MalformedChunksAreRefusedWithTheirReasonAndTheConnectionCloses) {
  struct Case {
    std::string chunks;
    int status;
    std::string reason;
  };
  const std::string bad_size = "a chunk size is malformed";
  const std::string bad_end = "a line or a chunk of the body does not end in CRLF";
  Server server({.sites = one_site()});
  for (const Case& each : std::vector<Case>{
           {"x\r\n", 400, bad_size},
           {"-1\r\n", 400, bad_size},
           {"0x1\r\na\r\n", 400, bad_size},
           {"1 \r\na\r\n0\r\n\r\n", 400, bad_size},
           {"1\r\nab\r\n0\r\n\r\n", 400, bad_end},
           {"1\nab", 400, bad_end},
           {"0\r\nNo Field\r\n\r\n", 400, "a trailer field is malformed"},
           {"11111111111111111\r\n", 413, "a chunk size is too large"},
           {"0\r\nX: " + std::string(10'000, 'x'), 431, "the trailer fields are too long"}}) {
    Client client(server.port());
    client.send(request("a.example", "/", "Transfer-Encoding: chunked\r\n") + each.chunks);
    EXPECT_EQ(client.receive().status, each.status) << each.chunks;
    EXPECT_TRUE(client.closed_by_server()) << each.chunks;
    EXPECT_TRUE(error_log_has(server, 0, "GET /: " + each.reason)) << each.chunks;
  }
}

TEST(Refusal, ABodyBeyondTheSitesLimitIsAnswered413) {
  Server server({.sites = one_site()});
  Client at_limit(server.port());
  at_limit.send(request("a.example", "/", "Content-Length: 1024\r\n") + std::string(1024, 'x'));
  EXPECT_EQ(at_limit.receive().status, 200);
  Client declared(server.port());
  declared.send(request("a.example", "/", "Content-Length: 1025\r\n"));
  EXPECT_EQ(declared.receive().status, 413);
  EXPECT_TRUE(declared.closed_by_server());
  Client chunked(server.port());
  chunked.send(request("a.example", "/", "Transfer-Encoding: chunked\r\n") + "401\r\n" +
               std::string(1025, 'x') + "\r\n");
  EXPECT_EQ(chunked.receive().status, 413);
  EXPECT_TRUE(chunked.closed_by_server());
  EXPECT_TRUE(error_log_has(server, 0, "GET /: the body is too large"));
}

TEST(Refusal, TheAnswerIsReadByAClientThatKeepsSending) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(request("a.example", "/", "Content-Length: 500000\r\n", "POST") +
              std::string(500'000, 'x'));
  EXPECT_EQ(client.receive().status, 405);
  EXPECT_TRUE(client.closed_by_server());
}

}  // namespace
}  // namespace perchild::test::refusal_test
