// What a site's configuration says about its content, as visitors see it.
#include <gtest/gtest.h>

#include "test/system/requests.h"

namespace perchild::test {
namespace {

TEST(Rules, PartsOfASiteHaveAnIndexOfTheirOwn) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"},
                                   {"docs/start.html", "docs"},
                                   {"docs/old/first.txt", "old"},
                                   {"docs-2/index.html", "docs-2"}},
                                  R"(, "locations": [
                                    {"prefix": "/docs/", "index": ["start.html"]},
                                    {"pattern": "/old/$", "index": ["first.txt"]}])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");
  EXPECT_EQ(get(server.port(), "a.example", "/docs/").body, "docs");
  EXPECT_EQ(get(server.port(), "a.example", "/docs/old/").body, "old");
  EXPECT_EQ(get(server.port(), "a.example", "/docs-2/").body, "docs-2");
}

TEST(Rules, APathThatMakesAPatternTooCostlyIsAnswered500AndLogged) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"}},
                                  R"(, "locations": [{"pattern": "^/(a+)+$"}])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/" + std::string(64, 'a') + "!").status, 500);
  EXPECT_TRUE(error_log_has(server, 0, "a location's pattern takes too long to match"));
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");
}

// Where a GET is redirected to, with the status in front.
std::string redirect_of(const Server& server, const std::string& target) {
  const HttpResponse response = get(server.port(), "a.example", target);
  const auto location = response.fields.find("location");
  return std::to_string(response.status) +
         (location == response.fields.end() ? "" : " " + location->second);
}

TEST(Rules, RedirectsLeadElsewhereWithWhatTheyCapture) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"}},
                                  R"(, "redirect": [
                                    {"pattern": "^/post/(\\d+)$", "to": "/blog?id=$1", "status": 301},
                                    {"pattern": "^/gone/", "status": 410},
                                    {"pattern": "^/away/(.*)$", "to": "https://b.example/$1",
                                     "status": 308, "query": "drop"}],
                                  "locations": [
                                    {"prefix": "/old", "redirect": {"to": "/new$1"}},
                                    {"exact": "/same", "redirect": {"to": "https://{host}:8443{path}"}}])"}}});
  EXPECT_EQ(redirect_of(server, "/post/12"), "301 /blog?id=12");
  EXPECT_EQ(redirect_of(server, "/post/12?a=b"), "301 /blog?id=12&a=b");
  EXPECT_EQ(redirect_of(server, "/away/a%20b/%C3%A9?x"), "308 https://b.example/a%20b/%C3%A9");
  EXPECT_EQ(redirect_of(server, "/old"), "302 /new");
  EXPECT_EQ(redirect_of(server, "/old/a?b=c"), "302 /new/a?b=c");
  EXPECT_EQ(redirect_of(server, "/same"), "302 https://a.example:8443/same");
  EXPECT_EQ(redirect_of(server, "/gone/x"), "410");
  EXPECT_EQ(redirect_of(server, "/older"), "404");
  const HttpResponse head = ask(server, request("a.example", "/old", {}, "HEAD"), true);
  EXPECT_EQ(head.status, 302);
  EXPECT_EQ(head.body, "");
}

TEST(Rules, ARedirectCannotBeMadeToLeadToAnotherHost) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"}},
                                  R"(, "redirect": [{"pattern": "^/r(.*)$", "to": "/$1"}])"}}});
  EXPECT_EQ(redirect_of(server, "/r//evil.example"), "302 /evil.example");
  EXPECT_EQ(redirect_of(server, "/r/%5Cevil.example"), "302 /%5Cevil.example");
}

TEST(Rules, RewritesServeAnotherFileUnderTheSameName) {
  const Server server({.sites = {{"a.example",
                                  {{"page.html", "page"}, {"x/index.html", "x"}},
                                  R"(, "rewrite": [
                                    {"pattern": "^/p/(\\w+)$", "to": "/$1.html"},
                                    {"pattern": "^/y(/.*)?$", "to": "/x$1"},
                                    {"pattern": "^/ping$", "to": "/pong"},
                                    {"pattern": "^/pong$", "to": "/ping"}])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/p/page").body, "page");
  EXPECT_EQ(get(server.port(), "a.example", "/y/").body, "x");
  EXPECT_EQ(get(server.port(), "a.example", "/p/other").status, 404);
  EXPECT_EQ(get(server.port(), "a.example", "/ping").status, 500);
  EXPECT_TRUE(error_log_has(server, 0, "rewrites and fallbacks go round in a circle"));
}

TEST(Rules, PathsAreTriedInTurnThenTheFallback) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "app"},
                                   {"about.html", "about"},
                                   {"docs/index.html", "docs"},
                                   {"api/x", "x"},
                                   {"secret/.env", "secret"}},
                                  R"(, "try": ["{path}", "{path}.html", "{path}/", "/index.html"],
                                  "locations": [
                                    {"prefix": "/api", "try": ["{path}", 410]},
                                    {"prefix": "/plain", "try": []}])"}}});
  const auto answer = [&](const std::string& target) {
    const HttpResponse response = get(server.port(), "a.example", target);
    return std::to_string(response.status) + " " + (response.status == 200 ? response.body : "");
  };
  EXPECT_EQ(answer("/about"), "200 about");
  EXPECT_EQ(answer("/about.html"), "200 about");
  EXPECT_EQ(answer("/some/route?x"), "200 app");
  EXPECT_EQ(answer("/docs/"), "200 docs");
  EXPECT_EQ(redirect_of(server, "/docs"), "301 /docs/");
  EXPECT_EQ(answer("/api/x"), "200 x");
  EXPECT_EQ(answer("/api/y"), "410 ");
  EXPECT_EQ(answer("/plain/y"), "404 ");
  EXPECT_EQ(answer("/secret/.env"), "404 ");
}

TEST(Rules, AFallbackThatIsNotThereIsNotFound) {
  const Server server(
      {.sites = {{"a.example", {{"x", "x"}}, R"(, "try": ["{path}", "/index.html"])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/y").status, 404);
  EXPECT_EQ(get(server.port(), "a.example", "/x").body, "x");
}

TEST(Rules, HiddenFilesAreNotFoundUnderWhateverNameTheyAreAskedFor) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"},
                                   {".env", "secret"},
                                   {".git/config", "secret"},
                                   {"a.inc", "secret"},
                                   {"dump.sql", "public"},
                                   {".well-known/x", "known"}},
                                  R"(, "deny": ["*.inc", "!*.sql"],
                                  "rewrite": {"pattern": "^/r$", "to": "/.env"})"}}});
  for (const char* target : {"/.env", "/%2eenv", "/.git/config", "/x/../.git/config", "/.%67it/",
                             "/a.inc", "/a.INC", "//.env", "/r", "/.env/"}) {
    const HttpResponse response = get(server.port(), "a.example", target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_FALSE(contains(response.body, "secret")) << target;
  }
  EXPECT_EQ(get(server.port(), "a.example", "/dump.sql").body, "public");
  EXPECT_EQ(get(server.port(), "a.example", "/.well-known/x").body, "known");
}

}  // namespace
}  // namespace perchild::test
