#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "test/vhosts/http1/head_cases.h"
#include "vhosts/http1/request_head.h"

namespace perchild::http1::head_accept_test {
namespace {

// A parser that has found the head of `bytes` complete, and that head.
struct Parsed {
  explicit Parsed(std::string text) : bytes(std::move(text)) {
    EXPECT_EQ(parser.parse(bytes), HeadParser::State::complete) << bytes;
    head = parser.head(bytes);
  }
  std::string bytes;
  HeadParser parser;
  RequestHead head;
};

std::string get(const std::string& target, const std::string& fields = "Host: a.example\r\n") {
  return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}

TEST(HeadParser, AcceptsEveryCaseOfTheTable) {
  for (const AcceptCase& c : accept_cases()) {
    HeadParser parser;
    EXPECT_EQ(parser.parse(c.bytes), HeadParser::State::complete) << c.name;
  }
}

TEST(HeadParser, ReadsAnOrdinaryRequest) {
  const Parsed p(
      get("/a/b.html?c=d",
          "Host: WWW.Alice.Example.:8080\r\nUser-Agent:  curl/8 \r\nReferer: http://x/\r\n"
          "If-None-Match: \"e\"\r\nIf-Modified-Since: then\r\nAuthorization: Basic eDp5\r\n"
          "Range: bytes=0-1\r\nIf-Range: \"r\"\r\nUpgrade: b/1\r\nX-Other: 1\r\n"));
  EXPECT_EQ(p.head.method, Method::get);
  EXPECT_EQ(p.head.method_text, "GET");
  EXPECT_EQ(p.head.version, Version::http_1_1);
  EXPECT_EQ(p.head.target, "/a/b.html?c=d");
  EXPECT_EQ(p.head.path, "/a/b.html");
  EXPECT_EQ(p.head.query, "c=d");
  ASSERT_TRUE(p.head.host.has_value());
  EXPECT_EQ(p.head.host->view(), "www.alice.example");
  EXPECT_EQ(p.head.user_agent, "curl/8");
  EXPECT_EQ(p.head.referer, "http://x/");
  EXPECT_EQ(p.head.if_none_match, "\"e\"");
  EXPECT_EQ(p.head.if_modified_since, "then");
  EXPECT_EQ(p.head.authorization, "Basic eDp5");
  EXPECT_EQ(p.head.range, "bytes=0-1");
  EXPECT_EQ(p.head.if_range, "\"r\"");
  EXPECT_EQ(p.head.upgrade, "b/1");
  EXPECT_EQ(p.head.body, BodyFraming::none);
  EXPECT_TRUE(p.head.keep_alive);
  EXPECT_FALSE(p.head.expect_continue);
  EXPECT_EQ(p.head.length, p.bytes.size());
}

TEST(HeadParser, KnowsTheMethodsAndTheirCase) {
  const std::pair<const char*, Method> methods[] = {
      {"GET", Method::get},     {"HEAD", Method::head},   {"OPTIONS", Method::options},
      {"POST", Method::post},   {"PUT", Method::put},     {"DELETE", Method::delete_},
      {"PATCH", Method::patch}, {"TRACE", Method::trace}, {"PROPFIND", Method::other},
      {"get", Method::other},   {"GETS", Method::other},  {"G", Method::other}};
  for (const auto& [text, method] : methods) {
    const Parsed p(std::string(text) + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(p.head.method, method) << text;
    EXPECT_EQ(p.head.method_text, text);
  }
}

TEST(HeadParser, TheFirstOfARepeatedFieldCountsEvenIfItIsEmpty) {
  EXPECT_EQ(Parsed(get("/", "Host: a\r\nReferer: 1\r\nReferer: 2\r\n")).head.referer, "1");
  EXPECT_EQ(Parsed(get("/", "Host: a\r\nReferer:\r\nReferer: 2\r\n")).head.referer, "");
}

TEST(HeadParser, AListInSeveralFieldsIsOne) {
  const Parsed p(
      get("/", "Host: a\r\nAccept-Encoding: br\r\nX: y\r\naccept-encoding: gzip;q=0\r\n"));
  EXPECT_TRUE(p.head.has_split_lists);
  EXPECT_EQ(whole_list(p.bytes, "Accept-Encoding"), "br, gzip;q=0");
  EXPECT_EQ(whole_list(p.bytes, "If-None-Match"), "");
  EXPECT_FALSE(Parsed(get("/", "Host: a\r\nReferer: 1\r\nReferer: 2\r\n")).head.has_split_lists);
}

TEST(HeadParser, AHigherMinorVersionIsTakenFor11) {
  EXPECT_EQ(Parsed("GET / HTTP/1.7\r\nHost: a\r\n\r\n").head.version, Version::http_1_1);
  EXPECT_EQ(Parsed("GET / HTTP/1.0\r\nHost: a\r\n\r\n").head.version, Version::http_1_0);
}

TEST(HeadParser, Http10NeedsNoHost) {
  const Parsed p("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(p.head.host.has_value());
  EXPECT_FALSE(p.head.keep_alive);
}

TEST(HeadParser, ReadsTheAbsoluteForm) {
  const Parsed p(get("hTTp://A.example:80/b?c=/d"));
  EXPECT_EQ(p.head.path, "/b");
  EXPECT_EQ(p.head.query, "c=/d");
  EXPECT_EQ(p.head.host->view(), "a.example");
  EXPECT_FALSE(p.head.is_https);
  const Parsed https(get("https://a.example/", "Host: a.example:443\r\n"));
  EXPECT_EQ(https.head.path, "/");
  EXPECT_TRUE(https.head.is_https);
}

TEST(HeadParser, AnAbsoluteTargetWithoutAPathMeansTheRoot) {
  EXPECT_EQ(Parsed(get("http://a.example")).head.path, "/");
  EXPECT_EQ(Parsed(get("http://a.example?q")).head.path, "/");
  EXPECT_EQ(Parsed(get("http://a.example?q")).head.query, "q");
  EXPECT_EQ(Parsed("OPTIONS http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n").head.path, "*");
}

TEST(HeadParser, TheAbsoluteFormNamesTheHostOfAnHttp10Request) {
  EXPECT_EQ(Parsed("GET http://b.example/ HTTP/1.0\r\n\r\n").head.host->view(), "b.example");
}

TEST(HeadParser, ReadsTheAsteriskAndAuthorityForms) {
  EXPECT_EQ(Parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").head.path, "*");
  const Parsed p("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_EQ(p.head.path, "");
  EXPECT_EQ(p.head.host->view(), "a.example");
}

TEST(HeadParser, ConnectionOptionsDecideWhetherItPersists) {
  const auto keeps = [](const std::string& version, const std::string& fields) {
    return Parsed("GET / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n").head.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: upgrade\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection: closed\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "connection: x, CLOSE\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: keep-alive\r\nConnection: ,close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.0", "Connection: keep-alive, close\r\n"));
}

TEST(HeadParser, ReadsTheFramingOfTheBody) {
  const Parsed length("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n");
  EXPECT_EQ(length.head.body, BodyFraming::content_length);
  EXPECT_EQ(length.head.content_length, 9223372036854775807u);
  const Parsed chunked("PUT / HTTP/1.1\r\nHost: a\r\nTRANSFER-encoding: \tChunked \r\n\r\n");
  EXPECT_EQ(chunked.head.body, BodyFraming::chunked);
}

TEST(HeadParser, AnUnderscoreDoesNotMakeAFramingField) {
  const Parsed p(get("/", "Host: a\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n"));
  EXPECT_EQ(p.head.body, BodyFraming::none);
}

TEST(HeadParser, OnlyAnHttp11ClientWithABodyWaitsFor100) {
  const auto waits = [](const std::string& version, const std::string& fields) {
    return Parsed("POST / HTTP/" + version + "\r\nHost: a\r\nExpect: 100-CONTINUE\r\n" + fields +
                  "\r\n")
        .head.expect_continue;
  };
  EXPECT_TRUE(waits("1.1", "Content-Length: 1\r\n"));
  EXPECT_TRUE(waits("1.1", "Transfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(waits("1.1", "Content-Length: 0\r\n"));
  EXPECT_FALSE(waits("1.1", ""));
  EXPECT_FALSE(waits("1.0", "Content-Length: 1\r\n"));
}

// RFC 9110, 5.6.1: a list's empty elements are no elements.
TEST(HeadParser, AnExpectFieldAsksForWhatItsElementsSay) {
  const auto waits = [](const std::string& value) {
    return Parsed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect:" + value + "\r\n\r\n")
        .head.expect_continue;
  };
  for (const char* nothing : {"", " ", " ,", " , ,"}) EXPECT_FALSE(waits(nothing)) << nothing;
  for (const char* once : {" 100-continue", " ,100-continue", " 100-continue ,100-Continue"}) {
    EXPECT_TRUE(waits(once)) << once;
  }
}

TEST(HeadParser, BytesBehindTheHeadAreLeftForTheNextOne) {
  const std::string first = get("/1");
  const std::string bytes = first + get("/2");
  HeadParser parser;
  ASSERT_EQ(parser.parse(bytes), HeadParser::State::complete);
  ASSERT_EQ(parser.head(bytes).length, first.size());
  parser.reset();
  const std::string_view rest = std::string_view(bytes).substr(first.size());
  ASSERT_EQ(parser.parse(rest), HeadParser::State::complete);
  EXPECT_EQ(parser.head(rest).target, "/2");
}

TEST(HeadParser, OneEmptyLineFirstBelongsToTheHead) {
  const Parsed p("\r\n" + get("/"));
  EXPECT_EQ(p.head.length, p.bytes.size());
  EXPECT_EQ(p.head.method, Method::get);
}

TEST(HeadParser, ACompleteHeadStaysComplete) {
  std::string bytes = get("/");
  HeadParser parser;
  ASSERT_EQ(parser.parse(bytes), HeadParser::State::complete);
  const std::size_t length = bytes.size();
  bytes += "\n\n\x16";
  EXPECT_EQ(parser.parse(bytes), HeadParser::State::complete);
  EXPECT_EQ(parser.head(bytes).length, length);
}

TEST(HeadFields, AllAreGivenInOrder) {
  const std::string bytes =
      "\r\n" + get("/", "Host: a\r\nX: \t1, 2 \r\nx:\r\nY:3\r\n") + "Z: no\r\n";
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  for_each_field(bytes, [&fields](const Field& f) { fields.emplace_back(f.name, f.value); });
  const decltype(fields) expected = {{"Host", "a"}, {"X", "1, 2"}, {"x", ""}, {"Y", "3"}};
  EXPECT_EQ(fields, expected);
}

TEST(HeadFields, AHeadWithoutFieldsHasNone) {
  for_each_field("GET / HTTP/1.0\r\n\r\nA: b\r\n", [](const Field&) { FAIL(); });
}

TEST(EqualsIgnoringCase, FoldsLettersOnly) {
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "cONTENT-lENGTH"));
  EXPECT_FALSE(equals_ignoring_case("a-b", "a\rb"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
}

}  // namespace
}  // namespace perchild::http1::head_accept_test
