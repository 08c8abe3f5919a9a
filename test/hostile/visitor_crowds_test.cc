// A hostile visitor who comes as many: from one address and from hundreds, silent, half-spoken or
// with whole requests, to one site. Everybody else is served meanwhile.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::visitor_crowds_test {
namespace {

std::string address_of(int number) {
  return "127." + std::to_string(1 + number / 200) + ".0." + std::to_string(1 + number % 200);
}

// What each of the crowd sends, and then keeps its connection for as long as it may.
struct Crowd {
  std::string name;
  std::string bytes;
};

std::vector<Crowd> crowds() {
  return {{"silent", ""},
          {"in the middle of a head", "GET / HTTP/1.1\r\nHost: a.exam"},
          {"for nobody's site", request("nobody.example")},
          {"with no request at all", std::string(100, '\0')}};
}

// So that what a crowd fills is small, the router's part of it.
ServerSpec small_router(const std::string& limits) {
  return {
      .sites = two_sites(R"(, "limits": {"connections": 8, "queue": 8})"),
      .more = R"(, "router": {"processes": 1, "head_timeout": "30s", "queue_timeout": "30s", )" +
              limits + "}"};
}

TEST(CrowdOfManyAddresses, KeepsNobodyElseOut) {
  const Server server(small_router(R"("connections": 64, "per_address": 16)"));
  for (const Crowd& crowd : crowds()) {
    SCOPED_TRACE(crowd.name);
    std::vector<std::unique_ptr<Client>> all;
    for (int i = 0; i < 400; ++i) {
      all.push_back(std::make_unique<Client>(server.port(), "127.0.0.1", address_of(i)));
      all.back()->send(crowd.bytes);
      if (i % 50 != 49) continue;
      EXPECT_EQ(get(server.port(), "b.example").body, "of b") << i;
    }
  }
}

// Requests that a site cannot take at once fill its own queue.
TEST(CrowdOfManyAddresses, AtOneSiteKeepsNobodyFromAnother) {
  const Server server(small_router(R"("connections": 64, "per_address": 16)"));
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(std::make_unique<Client>(server.port(), "127.0.0.1", address_of(i)));
    all.back()->send(request("a.example"));
    if (i % 50 != 49) continue;
    EXPECT_EQ(get(server.port(), "b.example").body, "of b") << i;
  }
  // The first of them have their answers, and the others are told to come again.
  EXPECT_EQ(all.front()->receive().status, 200);
  EXPECT_EQ(all.back()->receive().status, 503);
}

TEST(CrowdOfOneAddress, HasItsShareAndNoMore) {
  Server server(small_router(R"("connections": 64, "per_address": 16)"));
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(std::make_unique<Client>(server.port(), "127.0.0.1", "127.0.0.9"));
    all.back()->send("GET / HT");
  }
  EXPECT_TRUE(server.wait_for_log("127.0.0.9: too many connections at once"));
  // Whoever is there already from elsewhere is not driven out.
  Client other(server.port());
  other.send("GET / HTTP/1.1\r\nHost: b.");
  for (int i = 0; i < 100; ++i) {
    all.push_back(std::make_unique<Client>(server.port(), "127.0.0.1", "127.0.0.9"));
    all.back()->send("GET / HT");
  }
  other.send("example\r\n\r\n");
  EXPECT_EQ(other.receive().body, "of b");
  EXPECT_TRUE(all.back()->closed_by_server());
}

TEST(CrowdOfHandshakes, ThatNobodyFinishesKeepsNobodyOut) {
  ServerSpec spec = secure_sites();
  spec.more = R"(, "router": {"processes": 1, "connections": 64, "per_address": 16})";
  spec.sites[0].more += R"(, "limits": {"connections": 8, "queue": 8})";
  const Server server(spec);
  // A ClientHello for a, of which the worker's answer is never read.
  TlsClient first(server.port(), named("a.example"));
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(std::make_unique<Client>(server.port(), "127.0.0.1", address_of(i)));
    all.back()->send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    if (i % 25 != 24) continue;
    EXPECT_TRUE(contains(tls_get(server.port(), "b.example", named("b.example")), "of b")) << i;
  }
}

}  // namespace
}  // namespace perchild::test::visitor_crowds_test
