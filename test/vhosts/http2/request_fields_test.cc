#include "vhosts/http2/request_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "vhosts/http1/request_head.h"

namespace perchild::http2::request_fields_test {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

const Fields get{
    {":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/x?y=1"}};

Fields with(Fields fields, const Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

// The head, or "!" and why there is none.
std::string made_of(const Fields& fields, bool has_body = false) {
  RequestFields request;
  for (const auto& [name, value] : fields) request.add(name, value);
  if (!request.finish(has_body)) return "!" + std::string(request.problem());
  return request.text();
}

TEST(RequestFields, BecomeTheHeadThatHttp1WouldHave) {
  EXPECT_EQ(made_of(get), "GET /x?y=1 HTTP/1.1\r\nhost: a.example\r\n\r\n");
  EXPECT_EQ(made_of(with(get, {{"accept", "*/*"}, {"te", "trailers"}, {"range", "bytes=0-"}})),
            "GET /x?y=1 HTTP/1.1\r\naccept: */*\r\nrange: bytes=0-\r\nhost: a.example\r\n\r\n");
  EXPECT_EQ(made_of({{":path", "*"}, {":method", "OPTIONS"}, {":scheme", "https"}, {"host", "a"}}),
            "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(made_of({{":method", "CONNECT"}, {":authority", "a:443"}}),
            "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n");
}

TEST(RequestFields, ABodyWithoutALengthIsAnnounced) {
  EXPECT_TRUE(made_of(get, true).ends_with("\r\ntransfer-encoding: chunked\r\n\r\n"));
  const std::string told = made_of(with(get, {{"content-length", "5"}}), true);
  EXPECT_EQ(told.find("transfer-encoding"), std::string::npos) << told;
  EXPECT_EQ(made_of(with(get, {{"content-length", "0"}})).find("chunked"), std::string::npos);
}

TEST(RequestFields, CookiesAreJoined) {
  EXPECT_EQ(made_of(with(get, {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}})),
            "GET /x?y=1 HTTP/1.1\r\nx: y\r\nhost: a.example\r\ncookie: a=1; b=2\r\n\r\n");
}

TEST(RequestFields, HostMayRepeatTheAuthorityAndNoMore) {
  EXPECT_EQ(made_of(with(get, {{"host", "A.example"}})),
            "GET /x?y=1 HTTP/1.1\r\nhost: a.example\r\n\r\n");
  EXPECT_EQ(made_of(with(get, {{"host", "b.example"}})), "!:authority and Host differ");
}

TEST(RequestFields, WebSocketIsAskedForAsByHttp1) {
  const Fields websocket{{":method", "CONNECT"},
                         {":protocol", "websocket"},
                         {":scheme", "https"},
                         {":path", "/chat"},
                         {":authority", "a.example"}};
  EXPECT_EQ(
      made_of(with(websocket, {{"origin", "https://a.example"}, {"sec-websocket-key", "x"}}), true),
      "GET /chat HTTP/1.1\r\norigin: https://a.example\r\nhost: a.example\r\n"
      "connection: Upgrade\r\nupgrade: websocket\r\n"
      "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
  const Fields no_path{{":method", "CONNECT"}, {":authority", "a"}, {":protocol", "websocket"}};
  Fields other = websocket;
  other[1].second = "x";
  Fields nobodys = websocket;
  nobodys.pop_back();
  const std::pair<std::string_view, Fields> wrong[] = {
      {"a Content-Length of a tunnel", with(websocket, {{"content-length", "0"}})},
      {"a :protocol without CONNECT", with(get, {{":protocol", "websocket"}})},
      {"there is no :scheme or no :path", no_path},
      {"the :protocol is not websocket", other},
      {"CONNECT has no :authority", nobodys},
  };
  for (const auto& [problem, fields] : wrong) {
    EXPECT_EQ(made_of(fields, true), "!" + std::string(problem));
  }
}

TEST(RequestFields, WhatIsMalformedIsRefusedWithItsReason) {
  const std::string nul("a\0b", 3);
  const std::pair<std::string_view, std::vector<Fields>> wrong[] = {
      {"there is no :method", {{}, {{":scheme", "https"}, {":path", "/"}, {":authority", "a"}}}},
      {"there is no :scheme or no :path",
       {{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}},
        {{":method", "GET"}, {":path", "/"}, {":authority", "a"}}}},
      {"the :scheme is not HTTP's",
       {{{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "a"}}}},
      {"the :path is malformed",
       {{{":method", "GET"}, {":scheme", "https"}, {":path", "x"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "http://b/"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "*"}, {":authority", "a"}}}},
      {"the :method is malformed",
       {{{":method", "G(T"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}}}},
      {"a pseudo-header field is malformed",
       {{{":method", "GET"}, {":scheme", "https"}, {":path", ""}, {":authority", "a"}},
        {{":method", "G T"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "/ HTTP/1.1"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", ""}}}},
      {"CONNECT has a :scheme or a :path",
       {{{":method", "CONNECT"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a:443"}}}},
      {"CONNECT has no :authority", {{{":method", "CONNECT"}, {"host", "a:443"}}}},
      {"a pseudo-header field is repeated", {with(get, {{":path", "/z"}})}},
      {"there is no such pseudo-header field in requests", {with(get, {{":status", "200"}})}},
      {"a :protocol without CONNECT", {with(get, {{":protocol", "websocket"}})}},
      {"a pseudo-header field stands behind a regular one",
       {with(get, {{"x", "y"}, {":method", "GET"}})}},
      {"a field's name is malformed, or not in lower case",
       {with(get, {{"", "y"}}), with(get, {{"X-Y", "y"}}), with(get, {{"x y", "y"}}),
        with(get, {{"x:", "y"}})}},
      {"a field's value is malformed",
       {{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a\r\nx: y"}},
        with(get, {{"x", "a\r\nb: c"}}),
        with(get, {{"x", "a\nb"}}),
        with(get, {{"x", nul}}),
        with(get, {{"x", " y"}}),
        with(get, {{"x", "y\t"}})}},
      {"a field of HTTP/1.1 connections",
       {with(get, {{"connection", "close"}}), with(get, {{"keep-alive", "timeout=5"}}),
        with(get, {{"proxy-connection", "keep-alive"}}),
        with(get, {{"transfer-encoding", "chunked"}}), with(get, {{"upgrade", "h2c"}})}},
      {"TE says more than \"trailers\"",
       {with(get, {{"te", "gzip"}}), with(get, {{"te", "trailers, deflate"}})}},
      {"there is more than one Host field",
       {with(get, {{"host", "a.example"}, {"host", "a.example"}})}},
      {"a Content-Length without a body", {with(get, {{"content-length", "7"}})}},
  };
  for (const auto& [problem, all] : wrong) {
    for (const Fields& fields : all) EXPECT_EQ(made_of(fields), "!" + std::string(problem));
  }
}

TEST(RequestFields, WhatHttp1RefusesIsRefusedByItsParser) {
  const std::pair<Fields, http1::Reject> cases[] = {
      {with(get, {{"content-length", "1"}, {"content-length", "1"}}),
       http1::Reject::content_length_repeated},
      {with(get, {{"content-length", "+1"}}), http1::Reject::content_length_invalid},
      {with(get, {{"expect", "200-ok"}}), http1::Reject::expectation_failed},
      {with(get, {{"x", "\x01"}}), http1::Reject::bad_field_value},
      {with(get, {{"x", std::string(20'000, 'x')}}), http1::Reject::head_too_large},
      {with(get, Fields(101, {"x", "y"})), http1::Reject::too_many_fields},
      {{{":method", "GET"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/" + std::string(9'000, 'x')}},
       http1::Reject::target_too_long},
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "u@a"}, {":path", "/"}},
       http1::Reject::host_invalid},
      {{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}, http1::Reject::host_missing},
  };
  for (const auto& [fields, reason] : cases) {
    http1::HeadParser parser;
    const std::string head = made_of(fields, true);
    EXPECT_EQ(parser.parse(head), http1::HeadParser::State::rejected) << head.substr(0, 200);
    EXPECT_EQ(http1::text_of(parser.reason()), http1::text_of(reason));
  }
}

TEST(RequestFields, NoMoreIsKeptThanOneHead) {
  RequestFields request;
  for (const auto& [name, value] : get) request.add(name, value);
  for (int i = 0; i < 1000; ++i) {
    request.add("x", std::string(4000, 'x'));
    request.add("cookie", std::string(4000, 'x'));
  }
  EXPECT_GT(request.list_size(), 8'000'000u);
  ASSERT_TRUE(request.finish(false));
  EXPECT_LT(request.text().size(), 100'000u);
}

}  // namespace
}  // namespace perchild::http2::request_fields_test
