#include "vhosts/gateway/cgi_variables.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "vhosts/gateway/fastcgi_record.h"

namespace perchild::gateway::cgi_variables_test {
namespace {

using namespace std::string_literals;

// Also a check that no name comes twice.
class Collected final : public VariableSink {
 public:
  void put(std::string_view name, std::string_view value) override {
    EXPECT_TRUE(all.emplace(name, value).second) << name;
  }
  std::string of(const std::string& name) const {
    const auto found = all.find(name);
    return found == all.end() ? "(none)" : found->second;
  }
  std::map<std::string, std::string> all;
};

http1::RequestHead head_of(const std::string& bytes) {
  http1::HeadParser parser;
  EXPECT_EQ(parser.parse(bytes), http1::HeadParser::State::complete) << bytes;
  return parser.head(bytes);
}

std::string get(const std::string& fields, const std::string& target = "/blog/a%20b?c=d") {
  return "GET " + target + " HTTP/1.1\r\nHost: a.example:8080\r\n" + fields + "\r\n";
}

CgiRequest request_of(const http1::RequestHead& head, const std::string& bytes) {
  return {.head = head,
          .bytes = bytes,
          .document_root = "/srv/a",
          .script_name = "/index.php",
          .path_info = "",
          .query = "c=d",
          .server_name = "fallback.example",
          .server_address = "192.0.2.1",
          .server_port = 80,
          .remote_address = "198.51.100.7",
          .remote_port = 40000,
          .remote_user = "",
          .https = false,
          .content_length = std::nullopt};
}

Collected variables_of(const std::string& bytes) {
  const auto head = head_of(bytes);
  Collected variables;
  EXPECT_TRUE(write_cgi_variables(request_of(head, bytes), variables));
  return variables;
}

TEST(CgiVariables, ARequestAsRfc3875HasIt) {
  const Collected variables = variables_of(get("User-Agent: x/1\r\n"));
  const std::map<std::string, std::string> expected{
      {"DOCUMENT_ROOT", "/srv/a"},
      {"GATEWAY_INTERFACE", "CGI/1.1"},
      {"HTTP_HOST", "a.example:8080"},
      {"HTTP_USER_AGENT", "x/1"},
      {"QUERY_STRING", "c=d"},
      {"REDIRECT_STATUS", "200"},
      {"REMOTE_ADDR", "198.51.100.7"},
      {"REMOTE_PORT", "40000"},
      {"REQUEST_METHOD", "GET"},
      {"REQUEST_SCHEME", "http"},
      {"REQUEST_URI", "/blog/a%20b?c=d"},
      {"SCRIPT_FILENAME", "/srv/a/index.php"},
      {"SCRIPT_NAME", "/index.php"},
      {"SERVER_ADDR", "192.0.2.1"},
      {"SERVER_NAME", "a.example"},
      {"SERVER_PORT", "80"},
      {"SERVER_PROTOCOL", "HTTP/1.1"},
      {"SERVER_SOFTWARE", "perchild"},
  };
  EXPECT_EQ(variables.all, expected);
}

TEST(CgiVariables, WhatARequestHasBesides) {
  const std::string bytes = get("Content-Type: a/b\r\nContent-Length: 3\r\n");
  const auto head = head_of(bytes);
  CgiRequest request = request_of(head, bytes);
  request.path_info = "/x y";
  request.remote_user = "anna";
  request.https = true;
  request.content_length = 3;
  request.remote_port = 0;
  Collected variables;
  EXPECT_TRUE(write_cgi_variables(request, variables));
  EXPECT_EQ(variables.of("PATH_INFO"), "/x y");
  EXPECT_EQ(variables.of("PATH_TRANSLATED"), "/srv/a/x y");
  EXPECT_EQ(variables.of("REMOTE_USER"), "anna");
  EXPECT_EQ(variables.of("AUTH_TYPE"), "Basic");
  EXPECT_EQ(variables.of("HTTPS"), "on");
  EXPECT_EQ(variables.of("REQUEST_SCHEME"), "https");
  EXPECT_EQ(variables.of("CONTENT_LENGTH"), "3");
  EXPECT_EQ(variables.of("CONTENT_TYPE"), "a/b");
  EXPECT_EQ(variables.of("REMOTE_PORT"), "(none)");
  EXPECT_EQ(variables.of("HTTP_CONTENT_TYPE"), "(none)");
  EXPECT_EQ(variables.of("HTTP_CONTENT_LENGTH"), "(none)");
}

TEST(CgiVariables, WithoutHostTheSiteHasAName) {
  const Collected variables = variables_of("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(variables.of("SERVER_NAME"), "fallback.example");
  EXPECT_EQ(variables.of("SERVER_PROTOCOL"), "HTTP/1.0");
  EXPECT_EQ(variables.of("HTTP_HOST"), "(none)");
}

TEST(CgiVariables, TheUriIsAPath) {
  EXPECT_EQ(variables_of(get("", "/?")).of("REQUEST_URI"), "/?");
  EXPECT_EQ(variables_of(get("", "http://a.example:8080/x?y")).of("REQUEST_URI"), "/x?y");
  EXPECT_EQ(variables_of(get("", "http://a.example:8080")).of("REQUEST_URI"), "/");
  EXPECT_EQ(variables_of(get("", "http://a.example:8080?")).of("REQUEST_URI"), "/?");
}

// "httpoxy": HTTP_PROXY is where programs look for a proxy of their own.
TEST(CgiVariables, AClientCannotSetAProxy) {
  const Collected variables = variables_of(
      get("Proxy: a\r\nPROXY: b\r\nProxy-Authorization: c\r\nProxy-Connection: d\r\n"));
  for (const auto& [name, value] : variables.all) {
    EXPECT_EQ(name.find("PROXY"), std::string::npos) << name;
  }
}

TEST(CgiVariables, OneFieldCannotBeTakenForAnother) {
  const Collected variables = variables_of(
      get("X_Forwarded_For: 1\r\nX.Forwarded.For: 2\r\nX-Forwarded_For: 3\r\nX~Forwarded: 4\r\n"));
  for (const auto& [name, value] : variables.all) {
    EXPECT_EQ(name.find("FORWARDED"), std::string::npos) << name;
  }
}

TEST(CgiVariables, WhatIsAboutTheConnectionIsNotTheProgramsMatter) {
  const Collected variables = variables_of(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, te\r\nTE: trailers\r\n"
      "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nUpgrade: x\r\n"
      "Keep-Alive: 5\r\nTrailer: x\r\n\r\n");
  for (const auto& [name, value] : variables.all) {
    EXPECT_TRUE(!name.starts_with("HTTP_") || name == "HTTP_HOST") << name;
  }
}

TEST(CgiVariables, WhoSignsInIsToldToTheProgram) {
  EXPECT_EQ(variables_of(get("Authorization: Basic YTpi\r\n")).of("HTTP_AUTHORIZATION"),
            "Basic YTpi");
}

TEST(CgiVariables, RepeatedFieldsAreOneVariable) {
  const Collected variables = variables_of(
      get("Cookie: a=1\r\nAccept: x\r\ncookie: b=2\r\nACCEPT: y\r\nCookie: c=3\r\nX-1: z\r\n"));
  EXPECT_EQ(variables.of("HTTP_COOKIE"), "a=1; b=2; c=3");
  EXPECT_EQ(variables.of("HTTP_ACCEPT"), "x, y");
  EXPECT_EQ(variables.of("HTTP_X_1"), "z");
}

TEST(CgiVariables, ARequestWithANulIsRefused) {
  const std::string bytes = get("");
  const auto head = head_of(bytes);
  CgiRequest request = request_of(head, bytes);
  const std::string with_nul = "/a\0b"s;
  request.path_info = with_nul;
  Collected variables;
  EXPECT_FALSE(write_cgi_variables(request, variables));
  for (const auto& [name, value] : variables.all) EXPECT_EQ(value.find('\0'), std::string::npos);
}

TEST(CgiVariables, AnEnvironmentAndParametersAreMadeOfThem) {
  const std::string bytes = get("");
  const auto head = head_of(bytes);
  std::vector<std::string> environment;
  EnvironmentSink sink(environment);
  EXPECT_TRUE(write_cgi_variables(request_of(head, bytes), sink));
  EXPECT_EQ(environment.front(), "GATEWAY_INTERFACE=CGI/1.1");
  std::string out;
  FastCgiRequest parameters(out, true);
  EXPECT_TRUE(write_cgi_variables(request_of(head, bytes), parameters));
  EXPECT_TRUE(parameters.finish());
  EXPECT_NE(out.find("\x0b\x0aSCRIPT_NAME/index.php"), std::string::npos);
}

}  // namespace
}  // namespace perchild::gateway::cgi_variables_test
