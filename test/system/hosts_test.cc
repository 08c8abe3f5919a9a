// Which site answers for which name.
#include <gtest/gtest.h>

#include "test/system/requests.h"

namespace perchild::test::hosts_test {
namespace {

ServerSpec wildcard_sites() {
  return {.sites = {{"*.example", {{"index.html", "any"}}},
                    {"*.deep.example", {{"index.html", "deep"}}},
                    {"exact.deep.example", {{"index.html", "exact"}}}}};
}

TEST(Hosts, AnExactNameBeatsAWildcardAndTheLongestWildcardWins) {
  Server server(wildcard_sites());
  const auto site_of = [&](const std::string& host) { return get(server.port(), host).body; };
  EXPECT_EQ(site_of("x.example"), "any");
  EXPECT_EQ(site_of("y.x.example"), "any");
  EXPECT_EQ(site_of("deep.example"), "any");
  EXPECT_EQ(site_of("x.deep.example"), "deep");
  EXPECT_EQ(site_of("y.x.deep.example"), "deep");
  EXPECT_EQ(site_of("exact.deep.example"), "exact");
  EXPECT_EQ(site_of("www.exact.deep.example"), "deep");
}

TEST(Hosts, AWildcardDoesNotStandForTheNameItself) {
  Server server(wildcard_sites());
  EXPECT_EQ(get(server.port(), "example").status, 421);
  EXPECT_EQ(get(server.port(), ".example").status, 400);
}

TEST(Hosts, AllNamesOfASiteAreServedByTheSameWorker) {
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}, {}, {"www.a.example", "a.test"}},
                           {"b.example", {{"index.html", "of b"}}}}});
  for (const char* host : {"a.example", "www.a.example", "a.test"}) {
    EXPECT_EQ(get(server.port(), host).body, "of a") << host;
  }
  EXPECT_EQ(server.workers_of(0).size(), 1u);
  EXPECT_TRUE(server.workers_of(1).empty());
}

TEST(Hosts, CasePortAndTrailingDotMakeNoDifference) {
  Server server({.sites = two_sites()});
  for (const char* host : {"A.EXAMPLE", "a.Example:8080", "a.example.", "A.example.:80"}) {
    const HttpResponse response = get(server.port(), host);
    EXPECT_EQ(response.status, 200) << host;
    EXPECT_EQ(response.body, "of a") << host;
  }
}

TEST(Hosts, TheConfiguredNameMayBeOfUpperCaseToo) {
  Server server({.sites = {{"Upper.Example", {{"index.html", "upper"}}}}});
  EXPECT_EQ(get(server.port(), "upper.example").body, "upper");
}

TEST(Hosts, TheTargetsAuthorityNamesTheSite) {
  Server server({.sites = two_sites()});
  const HttpResponse response = ask(server, request("b.example", "http://b.example/index.html"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "of b");
  EXPECT_EQ(ask(server, "GET http://A.example HTTP/1.0\r\n\r\n").body, "of a");
}

TEST(Hosts, ATargetThatDisagreesWithTheHostFieldIsAnswered400) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(ask(server, request("a.example", "http://b.example/")).status, 400);
  EXPECT_TRUE(server.wait_for_log("refused with 400"));
  EXPECT_TRUE(server.workers_of(0).empty());
  EXPECT_TRUE(server.workers_of(1).empty());
}

TEST(Hosts, AHostWrittenInUnicodeIsAskedForInAscii) {
  Server server(
      {.sites = {{"bücher.example", {{"index.html", "books"}}, {}, {"*.bücher.example"}}}});
  EXPECT_EQ(get(server.port(), "xn--bcher-kva.example").body, "books");
  EXPECT_EQ(get(server.port(), "www.XN--BCHER-KVA.example").body, "books");
  EXPECT_EQ(get(server.port(), "bücher.example").status, 400);
}

TEST(Hosts, AnUnknownHostIsAnswered421ByTheRouterAndStartsNobody) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(request("nobody.example"));
  const HttpResponse response = client.receive();
  EXPECT_EQ(response.status, 421);
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_TRUE(contains(response.body, "This server has no site of that name."));
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(server.wait_for_log("refused with 421: no site is named nobody.example"));
  EXPECT_TRUE(server.workers_of(0).empty());
  EXPECT_TRUE(server.workers_of(1).empty());
}

TEST(Hosts, ARefusalByTheRouterToHeadHasNoBody) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(request("nobody.example", "/", "", "HEAD"));
  const HttpResponse response = client.receive(true);
  EXPECT_EQ(response.status, 421);
  EXPECT_NE(response.fields.at("content-length"), "0");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Hosts, ARequestWithoutAHostIsAnswered400) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(ask(server, "GET / HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(ask(server, "GET / HTTP/1.0\r\n\r\n").status, 400);
  EXPECT_TRUE(server.wait_for_log("no host is named, and the listener has no default site"));
}

TEST(Hosts, WithoutAHostHttp10GetsTheDefaultSiteAndHttp11Does400) {
  Server server({.sites = two_sites(), .default_host = "b.example"});
  const HttpResponse response = ask(server, "GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "of b");
  EXPECT_EQ(ask(server, "GET / HTTP/1.1\r\n\r\n").status, 400);
}

TEST(Hosts, AnUnknownHostGetsTheDefaultSiteIfOneIsDeclared) {
  Server server({.sites = two_sites(), .default_host = "b.example"});
  EXPECT_EQ(get(server.port(), "nobody.example").body, "of b");
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
}

// The second request of a connection that site a or b has answered once.
void expect_misdirected(Client& client, const std::string& second) {
  client.send(second);
  const HttpResponse response = client.receive();
  EXPECT_EQ(response.status, 421) << second;
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Hosts, ALaterRequestForAnotherSiteIsAnswered421AndTheConnectionCloses) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(request("a.example"));
  EXPECT_EQ(client.receive().body, "of a");
  expect_misdirected(client, request("b.example"));
  EXPECT_TRUE(access_log_has(server, 0, "\"GET / HTTP/1.1\" 421 "));
  EXPECT_TRUE(error_log_has(server, 0, "GET /: the host is not this site's"));
  EXPECT_TRUE(server.workers_of(1).empty());
}

TEST(Hosts, ALaterRequestForNobodysNameIsAnswered421) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(request("a.example") + request("nobody.example"));
  EXPECT_EQ(client.receive().status, 200);
  expect_misdirected(client, {});
}

TEST(Hosts, ALaterRequestForAnotherNameOfTheSameSiteIsServed) {
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}, {}, {"*.a.example"}}}});
  Client client(server.port());
  client.send(request("a.example") + request("x.a.example") + request("A.example:80"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.receive().body, "of a");
}

TEST(Hosts, AConnectionThatCameByDefaultDoesNotReachOtherSites) {
  Server server({.sites = two_sites(), .default_host = "b.example"});
  Client client(server.port());
  client.send(request("nobody.example") + request("nobody.example") + request("b.example"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.receive().body, "of b");
  expect_misdirected(client, request("a.example"));
}

TEST(Hosts, AConnectionThatCameWithoutANameDoesNotReachOtherSites) {
  Server server({.sites = two_sites(), .default_host = "b.example"});
  const std::string nameless = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  Client client(server.port());
  client.send(nameless);
  EXPECT_EQ(client.receive().body, "of b");
  client.send(nameless);
  EXPECT_EQ(client.receive().body, "of b");
  expect_misdirected(client, request("a.example"));
}

TEST(Hosts, AWildcardsOwnerDoesNotAnswerForAnExactNameOfAnotherSite) {
  Server server(wildcard_sites());
  Client any(server.port());
  any.send(request("x.example"));
  EXPECT_EQ(any.receive().body, "any");
  expect_misdirected(any, request("x.deep.example"));
  Client deep(server.port());
  deep.send(request("x.deep.example"));
  EXPECT_EQ(deep.receive().body, "deep");
  expect_misdirected(deep, request("exact.deep.example"));
}

TEST(Hosts, ASecondRequestWithoutAHostIsAnswered400AndTheConnectionCloses) {
  Server server({.sites = two_sites()});
  for (const char* second : {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    Client client(server.port());
    client.send(request("a.example") + second);
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(client.receive().status, 400) << second;
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST(Hosts, IPv4AndIPv6ListenersAreBound) {
  Server server(
      {.sites = two_sites(), .listen = R"([{ "address": "127.0.0.1:PORT", "default": "a.example" },
                               { "address": "[::1]:PORT", "default": "b.example" }])"});
  const std::string nameless = "GET / HTTP/1.0\r\n\r\n";
  Client v4(server.port());
  v4.send(nameless);
  EXPECT_EQ(v4.receive().body, "of a");
  Client v6(server.port(), "::1");
  v6.send(nameless);
  EXPECT_EQ(v6.receive().body, "of b");
  EXPECT_TRUE(access_log_has(server, 0, "127.0.0.1 - - ["));
  EXPECT_TRUE(access_log_has(server, 1, "::1 - - ["));
}

TEST(Hosts, AStarIsBoundForEveryFamily) {
  Server server({.sites = two_sites(), .listen = R"([{ "address": "*:PORT" }])"});
  for (const char* address : {"127.0.0.1", "127.0.0.2", "::1"}) {
    Client client(server.port(), address);
    client.send(request("a.example"));
    EXPECT_EQ(client.receive().body, "of a") << address;
  }
}

}  // namespace
}  // namespace perchild::test::hosts_test
