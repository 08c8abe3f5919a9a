// A proxy in front says whose a connection is: who is believed, and what the router makes of it.
#include <gtest/gtest.h>

#include "test/system/requests.h"

namespace perchild::test::proxy_protocol_test {
namespace {

using std::string_literals::operator""s;

// Believes 127.0.0.1, from where clients come if nothing else is said.
ServerSpec behind_a_proxy(const std::string& more = {}) {
  return {.sites = two_sites(),
          .more = more,
          .listen = R"([{ "address": "127.0.0.1:PORT", "proxy_protocol": ["127.0.0.1"] }])"};
}

const std::string line = "PROXY TCP4 192.0.2.7 198.51.100.1 51234 80\r\n";
const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
// PROXY, TCP over IPv6, 36 bytes of addresses and an extension of 4.
const std::string binary = signature + "\x21\x21\0\x2b"s + "\x20\x01\x0d\xb8"s +
                           std::string(11, '\0') + "\x07" + std::string(16, '\1') +
                           "\xc8\x22\0\x50"s + "\x04\0\x04"s + "noop";
const std::string binary_local = signature + "\x20\0\0\0"s;

std::string line_of(const std::string& address) {
  return "PROXY TCP4 " + address + " 198.51.100.1 51234 80\r\n";
}

TEST(ProxyProtocol, TheClientThatAListedProxyNamesIsTheVisitor) {
  Server server(behind_a_proxy());
  for (const std::string& header : {line, binary}) {
    const HttpResponse response = ask(server, header + request("a.example"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "of a");
  }
  EXPECT_TRUE(access_log_has(server, 0, "192.0.2.7 - - ["));
  EXPECT_TRUE(access_log_has(server, 0, "2001:db8::7 - - ["));
  EXPECT_FALSE(contains(server.access_log(0), "127.0.0.1"));
}

TEST(ProxyProtocol, AHeaderThatTricklesInIsReadAndNothingBehindItIsLost) {
  Server server(behind_a_proxy());
  for (const std::string& header : {line, binary}) {
    Client client(server.port());
    for (const char c : header + request("a.example")) {
      client.send({&c, 1});
      pause_briefly();
    }
    EXPECT_EQ(client.receive().body, "of a");
    client.send(request("a.example"));
    EXPECT_EQ(client.receive().body, "of a");
  }
}

TEST(ProxyProtocol, TheProxysOwnConnectionsAndUnknownOnesCountAsItsOwn) {
  Server server(behind_a_proxy());
  for (const std::string& header : {"PROXY UNKNOWN\r\n"s, binary_local}) {
    EXPECT_EQ(ask(server, header + request("a.example")).body, "of a");
  }
  EXPECT_TRUE(eventually([&] { return count_of(server.access_log(0), "127.0.0.1 - - [") == 2; }));
}

TEST(ProxyProtocol, AListedProxyThatSendsNoHeaderIsDisconnected) {
  Server server(behind_a_proxy());
  for (const std::string& bytes : {request("a.example"), "PROXY TCP4 x"s + "\r\n"}) {
    Client client(server.port());
    client.send(bytes);
    EXPECT_TRUE(client.closed_by_server()) << bytes;
  }
  EXPECT_TRUE(server.wait_for_log("proxy 127.0.0.1: closed: there is no PROXY header"));
  EXPECT_TRUE(server.wait_for_log("closed: the PROXY header's line is malformed"));
  EXPECT_TRUE(server.workers_of(0).empty());
}

TEST(ProxyProtocol, AHeaderThatEndsEarlyIsDisconnected) {
  Server server(behind_a_proxy());
  for (const std::string& header : {line, binary}) {
    Client client(server.port());
    client.send(header.substr(0, header.size() - 1));
    client.close_sending();
    EXPECT_TRUE(client.closed_by_server());
  }
  EXPECT_TRUE(server.wait_for_log("closed: the PROXY header ends early"));
}

TEST(ProxyProtocol, AHeaderHasTheDeadlineOfAHead) {
  Server server(behind_a_proxy(R"(, "router": { "processes": 1, "head_timeout": "300ms" })"));
  Client client(server.port());
  client.send(line.substr(0, 20));
  EXPECT_TRUE(client.closed_by_server(60'000));
  Client slow(server.port());
  slow.send(line + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(slow.receive().status, 408);
}

TEST(ProxyProtocol, AHeaderFromAnybodyElseIsRefusedAndTheReasonIsToldInTheLog) {
  Server server(behind_a_proxy());
  for (const std::string& header : {line, binary}) {
    Client client(server.port(), "127.0.0.1", "127.0.0.5");
    client.send(header + request("a.example"));
    EXPECT_EQ(client.receive().status, 400);
  }
  EXPECT_TRUE(server.wait_for_log(
      "127.0.0.5: refused with 400: a PROXY header from an address that \"proxy_protocol\" does "
      "not list"));
  EXPECT_TRUE(server.workers_of(0).empty());
}

TEST(ProxyProtocol, AnybodyElseIsServedUnderHisOwnAddress) {
  Server server(behind_a_proxy());
  Client client(server.port(), "127.0.0.1", "127.0.0.5");
  client.send(request("a.example"));
  EXPECT_EQ(client.receive().body, "of a");
  EXPECT_TRUE(access_log_has(server, 0, "127.0.0.5 - - ["));
}

TEST(ProxyProtocol, OneHeaderIsTakenOutAndASecondOneIsNoRequest) {
  Server server(behind_a_proxy());
  EXPECT_EQ(ask(server, line + line + request("a.example")).status, 400);
  Client client(server.port());
  client.send(line + request("a.example") + line_of("192.0.2.8") + request("a.example"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(access_log_has(server, 0, " 400 "));
  EXPECT_FALSE(contains(server.access_log(0), "192.0.2.8"));
}

TEST(ProxyProtocol, TheBoundOnConnectionsOfAnAddressIsTheClientsNotTheProxys) {
  Server server(behind_a_proxy(R"(, "router": { "processes": 1, "per_address": 2 })"));
  const std::string part = "GET / HTTP/1.1\r\n";
  Client first(server.port());
  first.send(line + part);
  Client second(server.port());
  second.send(line + part);
  EXPECT_TRUE(eventually([&] {
    Client third(server.port());
    third.send(line + request("a.example"));
    return third.receive().status == 0;
  }));
  EXPECT_TRUE(server.wait_for_log("192.0.2.7: too many connections at once"));
  for (const char* other : {"192.0.2.8", "192.0.2.9", "192.0.2.10"}) {
    EXPECT_EQ(ask(server, line_of(other) + request("a.example")).status, 200) << other;
  }
  // Each that ends makes room again.
  first.send("Host: a.example\r\n\r\n");
  EXPECT_EQ(first.receive().status, 200);
  EXPECT_EQ(ask(server, line + request("a.example")).status, 200);
}

}  // namespace
}  // namespace perchild::test::proxy_protocol_test
