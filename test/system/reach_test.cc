// By which name and over what a site is reached, and what a proxy in front may say about it.
#include <gtest/gtest.h>

#include "test/system/requests.h"

namespace perchild::test::reach_test {
namespace {

using std::string_literals::operator""s;

Server server_with(const std::string& more, const std::string& default_host = {}) {
  return Server({.sites = {{"a.example",
                            {{"index.html", "of a"}},
                            more,
                            {"www.a.example", "*.a.example", "www.b.example", "b.example"}}},
                 .default_host = default_host});
}

std::string location(const HttpResponse& response) {
  const auto field = response.fields.find("location");
  return field == response.fields.end() ? "none, " + std::to_string(response.status)
                                        : field->second;
}

std::string sent_to(const Server& server, const std::string& host, const std::string& target = "/",
                    const std::string& fields = {}) {
  return location(ask(server, request(host, target, fields)));
}

const std::string https = "X-Forwarded-Proto: https\r\n";
constexpr const char* trusting = R"(, "trusted_proxies": ["127.0.0.1"])";

TEST(Reach, OtherNamesAreRedirectedToTheCanonicalOne) {
  Server server = server_with(R"(, "canonical": "www.a.example")");
  const HttpResponse response = ask(server, request("a.example", "/x/y%20z?q=1&r=%2F"));
  EXPECT_EQ(response.status, 301);
  EXPECT_EQ(location(response), "http://www.a.example/x/y%20z?q=1&r=%2F");
  EXPECT_EQ(sent_to(server, "x.y.a.example"), "http://www.a.example/");
  EXPECT_EQ(sent_to(server, "b.example"), "http://www.a.example/");
  EXPECT_EQ(get(server.port(), "www.a.example").body, "of a");
}

TEST(Reach, ARedirectKeepsThePort) {
  Server server = server_with(R"(, "canonical": "a.example")");
  EXPECT_EQ(sent_to(server, "www.a.example:8080", "/x"), "http://a.example:8080/x");
  EXPECT_EQ(sent_to(server, "www.a.example:80", "/x"), "http://a.example/x");
  EXPECT_EQ(location(ask(server,
                         "GET http://www.a.example:81?q HTTP/1.1\r\n"
                         "Host: www.a.example:81\r\n\r\n")),
            "http://a.example:81/?q");
}

TEST(Reach, ARedirectLeadsToNoOtherHostAndIsEncoded) {
  Server server = server_with(R"(, "canonical": "a.example")");
  EXPECT_EQ(sent_to(server, "www.a.example", "//evil.example/"), "http://a.example//evil.example/");
  EXPECT_EQ(sent_to(server, "www.a.example", "/[x]|^?{y}`\\"),
            "http://a.example/%5Bx%5D%7C%5E?%7By%7D%60%5C");
}

TEST(Reach, AMethodWithABodyIsKept) {
  Server server = server_with(R"(, "canonical": "a.example")");
  const HttpResponse response =
      ask(server, request("www.a.example", "/", "Content-Length: 0\r\n", "POST"));
  EXPECT_EQ(response.status, 308);
  EXPECT_EQ(location(response), "http://a.example/");
  EXPECT_EQ(ask(server, request("www.a.example", "*", {}, "OPTIONS")).status, 204);
}

TEST(Reach, WwwAndApexConcernTheNamesThatTheVhostHasBothWays) {
  Server www = server_with(R"(, "canonical": "www")");
  EXPECT_EQ(sent_to(www, "a.example"), "http://www.a.example/");
  EXPECT_EQ(sent_to(www, "b.example"), "http://www.b.example/");
  EXPECT_EQ(get(www.port(), "x.a.example").body, "of a");
  EXPECT_EQ(get(www.port(), "www.b.example").body, "of a");
  Server apex = server_with(R"(, "canonical": "apex")");
  EXPECT_EQ(sent_to(apex, "www.a.example"), "http://a.example/");
  EXPECT_EQ(get(apex.port(), "www.x.a.example").body, "of a");
}

TEST(Reach, NobodysNameIsNotRedirected) {
  Server server = server_with(R"(, "canonical": "a.example", "https": "redirect")", "a.example");
  EXPECT_EQ(get(server.port(), "nobody.example").body, "of a");
  EXPECT_EQ(ask(server, "GET / HTTP/1.0\r\n\r\n").body, "of a");
  EXPECT_EQ(sent_to(server, "a.example"), "https://a.example/");
}

TEST(Reach, WhoComesWithoutTlsIsSentToHttps) {
  Server server = server_with(R"(, "https": "redirect", "canonical": "a.example")");
  EXPECT_EQ(sent_to(server, "a.example:8080", "/x?y"), "https://a.example/x?y");
  EXPECT_EQ(sent_to(server, "www.a.example", "/x"), "https://a.example/x");
  EXPECT_EQ(sent_to(server, "a.example", "/", https), "https://a.example/") << "anybody can say so";
}

TEST(Reach, BehindATrustedProxyThatSpeaksTlsThereIsNoLoop) {
  Server server = server_with(R"(, "https": "redirect", "canonical": "a.example")"s + trusting);
  EXPECT_EQ(ask(server, request("a.example", "/", https)).body, "of a");
  EXPECT_EQ(sent_to(server, "www.a.example:8443", "/", https), "https://a.example:8443/");
  EXPECT_EQ(sent_to(server, "www.a.example:443", "/", https), "https://a.example/");
  EXPECT_EQ(sent_to(server, "a.example", "/", "X-Forwarded-Proto: http\r\n"), "https://a.example/");
}

TEST(Reach, AnHttpsTargetThatComesWithoutTlsIsAnswered421) {
  Server server = server_with(trusting);
  EXPECT_EQ(ask(server, request("a.example", "https://a.example/")).status, 421);
  EXPECT_TRUE(error_log_has(server, 0, "an https target has come without TLS"));
  EXPECT_EQ(ask(server, request("a.example", "https://a.example/", https)).body, "of a");
  EXPECT_EQ(ask(server, request("a.example", "http://a.example/", https)).body, "of a");
}

TEST(Reach, AProxyHeaderThatTellsOfTlsIsEnough) {
  Server server(
      {.sites = {{"a.example", {{"index.html", "of a"}}, R"(, "https": "redirect")"}},
       .listen = R"([{ "address": "127.0.0.1:PORT", "proxy_protocol": ["127.0.0.1"] }])"});
  const std::string addresses = "\xc0\0\x02\x07\xc6\x33\x64\x01\xc8\x22\0\x50"s;
  const std::string start = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0"s;
  const std::string with_tls = start + "\x14" + addresses + "\x20\0\x05\x01\0\0\0\0"s;
  EXPECT_EQ(ask(server, with_tls + request("a.example")).body, "of a");
  EXPECT_EQ(location(ask(server, start + "\x0c" + addresses + request("a.example"))),
            "https://a.example/");
}

TEST(Reach, HstsIsSaidOverTlsAlone) {
  Server server = server_with(
      R"(, "hsts": { "max_age": "30d", "include_subdomains": true }, "canonical": "a.example")"s +
      trusting);
  for (const char* target : {"/", "/missing"}) {
    const HttpResponse secure = ask(server, request("a.example", target, https));
    EXPECT_EQ(secure.fields.at("strict-transport-security"), "max-age=2592000; includeSubDomains");
    EXPECT_TRUE(secure.head.ends_with("\r\n\r\n"));
    const HttpResponse plain = ask(server, request("a.example", target));
    EXPECT_EQ(plain.fields.count("strict-transport-security"), 0u);
  }
  const HttpResponse redirect = ask(server, request("www.a.example", "/", https));
  EXPECT_EQ(location(redirect), "https://a.example/");
  EXPECT_EQ(redirect.fields.count("strict-transport-security"), 1u);
}

TEST(Reach, WithHstsTheNameThatWasAskedForIsSecuredFirst) {
  Server server = server_with(
      R"(, "hsts": { "max_age": "30d" }, "canonical": "www.a.example", "https": "redirect")"s +
      trusting);
  EXPECT_EQ(sent_to(server, "a.example", "/x"), "https://a.example/x");
  EXPECT_EQ(sent_to(server, "a.example", "/x", https), "https://www.a.example/x");
}

TEST(Reach, TheVisitorWhomATrustedProxyNamesStandsInTheLog) {
  Server server = server_with(trusting);
  Client client(server.port());
  client.send(request("a.example", "/1", "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\n") +
              request("a.example", "/2", "X-Forwarded-For: 2001:db8::8, 127.0.0.1\r\n") +
              request("a.example", "/3"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.receive().status, 404);
  EXPECT_TRUE(access_log_has(server, 0, "GET /3 "));
  const std::string log = server.access_log(0);
  EXPECT_TRUE(log.starts_with("192.0.2.7 - - [")) << log;
  EXPECT_TRUE(contains(log, "\n2001:db8::8 - - [")) << log;
  EXPECT_TRUE(contains(log, "\n127.0.0.1 - - [")) << log;
}

TEST(Reach, WhomAnybodyElseNamesIsNotBelieved) {
  Server server = server_with(trusting);
  Client client(server.port(), "127.0.0.1", "127.0.0.5");
  client.send(request("a.example", "/", "X-Forwarded-For: 192.0.2.7\r\n"));
  EXPECT_EQ(client.receive().body, "of a");
  EXPECT_TRUE(access_log_has(server, 0, "127.0.0.5 - - ["));
}

}  // namespace
}  // namespace perchild::test::reach_test
