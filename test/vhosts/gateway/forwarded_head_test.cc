#include "vhosts/gateway/forwarded_head.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::gateway::forwarded_head_test {
namespace {

http1::RequestHead head_of(const std::string& bytes) {
  http1::HeadParser parser;
  EXPECT_EQ(parser.parse(bytes), http1::HeadParser::State::complete) << bytes;
  return parser.head(bytes);
}

ForwardedRequest request_of(const http1::RequestHead& head, const std::string& bytes) {
  return {.head = head,
          .bytes = bytes,
          .target = "/x",
          .own_host = "own.example",
          .client = "198.51.100.7",
          .keep_alive = true,
          .upgrade = ""};
}

std::string written(const ForwardedRequest& request) {
  std::string out;
  return write_forwarded_head(request, out) ? out : "too many options";
}

std::string forwarded(const std::string& bytes) {
  const auto head = head_of(bytes);
  return written(request_of(head, bytes));
}

std::string wanted(const std::string& bytes) {
  return std::string(wanted_upgrade(head_of(bytes), bytes));
}

std::string get(const std::string& fields) {
  return "GET /a HTTP/1.1\r\nHost: a.example:8080\r\n" + fields + "\r\n";
}

// What a request without fields of its own becomes, with these before X-Forwarded-For.
std::string expected(const std::string& fields) {
  return "GET /x HTTP/1.1\r\nHost: a.example:8080\r\n" + fields +
         "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\n"
         "X-Forwarded-Host: a.example:8080\r\n\r\n";
}

TEST(ForwardedHead, ConnectionOptionsAreBounded) {
  std::string options;
  for (std::size_t i = 0; i < max_connection_options - 1; ++i) options += "x,";
  EXPECT_EQ(forwarded(get("Connection: " + options + "\r\nConnection: y\r\nY: z\r\n")),
            expected(""));
  EXPECT_EQ(forwarded(get("Connection: " + options + "x,\r\nConnection: y\r\n")),
            "too many options");
}

TEST(ForwardedHead, TheClientsFieldsAreSentOn) {
  const std::string fields =
      "Accept: a/b\r\nCookie: c\r\nCookie: d\r\nAuthorization: Basic eA==\r\n";
  EXPECT_EQ(forwarded(get(fields)), expected(fields));
}

TEST(ForwardedHead, WhatIsAboutTheClientsConnectionIsNot) {
  EXPECT_EQ(forwarded(get("Connection: keep-alive, X-Own\r\nX-Own: 1\r\nKeep-Alive: 5\r\n"
                          "TE: trailers\r\nUpgrade: x\r\nTrailer: x\r\nProxy-Authorization: x\r\n"
                          "Proxy: x\r\nExpect: 100-continue\r\nA: b\r\n")),
            expected("A: b\r\n"));
}

TEST(ForwardedHead, AClientCannotSpeakForAProxy) {
  EXPECT_EQ(forwarded(get("X-Forwarded-For: 1\r\nX-FORWARDED-PROTO: https\r\nForwarded: for=1\r\n"
                          "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 1\r\n"
                          "X_Forwarded_For: 1\r\nX.Forwarded.For: 1\r\n")),
            expected(""));
}

TEST(ForwardedHead, AConnectionFieldTakesNothingThatTheProxySays) {
  EXPECT_EQ(forwarded(get("Connection: host, x-forwarded-for, content-length\r\n")), expected(""));
}

TEST(ForwardedHead, ATrustedProxysListIsKept) {
  const std::string bytes =
      get("X-Forwarded-For: 1, 2\r\nX-Forwarded-For:\r\nx-forwarded-for: 3\r\n");
  const auto head = head_of(bytes);
  auto request = request_of(head, bytes);
  request.from_proxy = true;
  request.https = true;
  const std::string out = written(request);
  EXPECT_NE(out.find("X-Forwarded-For: 1, 2, 3, 198.51.100.7\r\n"), std::string::npos) << out;
  EXPECT_NE(out.find("X-Forwarded-Proto: https\r\n"), std::string::npos) << out;
}

TEST(ForwardedHead, TheFramingIsOurs) {
  const std::string bytes =
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n";
  const auto head = head_of(bytes);
  auto request = request_of(head, bytes);
  request.body = http1::BodyFraming::content_length;
  request.content_length = 18446744073709551615u;
  std::string out = written(request);
  EXPECT_NE(out.find("\r\nContent-Length: 18446744073709551615\r\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("Transfer-Encoding"), std::string::npos) << out;
  request.body = http1::BodyFraming::chunked;
  out = written(request);
  EXPECT_NE(out.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("Content-Length"), std::string::npos) << out;
}

TEST(ForwardedHead, ARequestWithoutAHostGetsTheSites) {
  const std::string out = forwarded("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(out.starts_with("GET /x HTTP/1.1\r\nHost: own.example\r\n")) << out;
  EXPECT_NE(out.find("X-Forwarded-Host: own.example\r\n"), std::string::npos) << out;
}

TEST(ForwardedHead, TheConnectionIsClosedOrUpgraded) {
  const std::string bytes = get("");
  const auto head = head_of(bytes);
  auto request = request_of(head, bytes);
  request.keep_alive = false;
  EXPECT_TRUE(written(request).ends_with("\r\nConnection: close\r\n\r\n"));
  request.upgrade = "websocket";
  EXPECT_TRUE(written(request).ends_with("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

TEST(ForwardedHead, WhatIsWrittenIsARequest) {
  for (const std::string& bytes : {get("A: b\r\n"), get("Connection: close\r\n"),
                                   std::string("PUT http://a/b HTTP/1.1\r\nHost: a\r\n\r\n")}) {
    EXPECT_FALSE(head_of(forwarded(bytes)).method_text.empty());
  }
}

TEST(ForwardedHead, AnUpgradeIsWantedIfItIsSaidSo) {
  EXPECT_EQ(wanted(get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")), "websocket");
  EXPECT_EQ(wanted(get("Upgrade: websocket\r\n")), "");
  EXPECT_EQ(wanted(get("Connection: upgrade\r\n")), "");
  EXPECT_EQ(wanted(get("Connection: upgrade\r\nUpgrade: a, b\r\n")), "");
  EXPECT_EQ(wanted(get("Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n")), "");
  EXPECT_EQ(wanted(get("Connection: upgrade\r\nUpgrade: H2C\r\n")), "");
  EXPECT_EQ(wanted(get("Connection: upgrade\r\nUpgrade: a\r\nContent-Length: 1\r\n")), "");
  EXPECT_EQ(wanted("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), "");
}

}  // namespace
}  // namespace perchild::gateway::forwarded_head_test
