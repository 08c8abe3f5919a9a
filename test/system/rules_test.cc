// What a site's configuration says about its content, as visitors see it.
#include <gtest/gtest.h>
#include <unistd.h>

#include "test/system/requests.h"

namespace perchild::test::rules_test {
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

TEST(Rules, APathWithAnEncodedSlashIsNoFileAndComesToTheFallback) {
  const std::string rules = R"(, "locations": [
    {"prefix": "/page", "try": ["{path}", "/front.html"]},
    {"prefix": "/named", "try": ["/x", "{path}"]},
    {"prefix": "/old", "redirect": {"to": "/new$1"}}])";
  const Server server(
      {.sites = {
           {"a.example", {{"front.html", "front"}, {"page/a", "a"}, {"named/a", "a"}}, rules}}});
  EXPECT_EQ(get(server.port(), "a.example", "/page/a").body, "a");
  EXPECT_EQ(get(server.port(), "a.example", "/named/a").body, "a");
  EXPECT_EQ(get(server.port(), "a.example", "/old/a").fields.at("location"), "/new/a");
  for (const char* target : {"/page%2Fa", "/page/%2Fa", "/%2Fpage/a", "/page/a%2f"}) {
    EXPECT_EQ(get(server.port(), "a.example", target).body, "front") << target;
  }
  EXPECT_EQ(get(server.port(), "a.example", "/old%2Fa").fields.at("location"), "/new/a");
  for (const char* target : {"/named%2Fa", "/front.html%2F", "/%2Ffront.html", "/page%2F..%2Fx",
                             "/page/..%2Fpage%2Fa", "/page/.%2Fa", "/page%2F.git/config"}) {
    EXPECT_EQ(get(server.port(), "a.example", target).status, 404) << target;
  }
  EXPECT_EQ(get(server.port(), "a.example", "/page%2F%00").status, 400);
  EXPECT_EQ(get(server.port(), "a.example", "/page%2F..%2F..%2Fx").status, 400);
}

TEST(Rules, HiddenFilesAreNotFoundUnderWhateverNameTheyAreAskedFor) {
  Server server({.sites = {{"a.example",
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
  EXPECT_TRUE(error_log_has(server, 0, "GET /.env: the site hides files of such names"));
  EXPECT_EQ(get(server.port(), "a.example", "/dump.sql").body, "public");
  EXPECT_EQ(get(server.port(), "a.example", "/.well-known/x").body, "known");
}

TEST(Rules, SourceOfPhpIsShownToNobodyWhereNothingRunsIt) {
  const Server server({.sites = {{"a.example",
                                  {{"index.php", "secret"}, {"a.PHTML", "secret"}, {"b/x", "x"}},
                                  R"(, "index": ["index.php"], "try": ["{path}", "/index.php"],
                                  "error_pages": {"404": "/index.php"})"}}});
  for (const char* target : {"/index.php", "/index%2ephp", "/index.php/a", "/a.PHTML", "/y"}) {
    const HttpResponse response = get(server.port(), "a.example", target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_FALSE(contains(response.body, "secret")) << target;
  }
  EXPECT_EQ(get(server.port(), "a.example", "/").status, 403) << "a folder without an index";
}

std::string field(const HttpResponse& response, const std::string& name) {
  const auto found = response.fields.find(name);
  return found == response.fields.end() ? "<none>" : found->second;
}

TEST(Rules, HeadersAreSetAndTakenOutByStatus) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"}, {"x/a.txt", "a"}},
                                  R"(, "headers": {
                                    "X-Usual": "u", "Server": null, "Vary": "Cookie",
                                    "X-Always": {"value": "a", "on": "always"},
                                    "X-Missing": {"value": "m", "on": [404]}},
                                  "locations": [{"prefix": "/x", "headers": {"X-Usual": null}}])"}}});
  HttpResponse response = get(server.port(), "a.example", "/");
  EXPECT_EQ(field(response, "x-usual"), "u");
  EXPECT_EQ(field(response, "x-always"), "a");
  EXPECT_EQ(field(response, "x-missing"), "<none>");
  EXPECT_EQ(field(response, "server"), "<none>");
  EXPECT_EQ(field(response, "vary"), "Cookie");
  EXPECT_EQ(response.body, "site");
  const HttpResponse fresh =
      ask(server, request("a.example", "/", "If-None-Match: " + field(response, "etag") + "\r\n"),
          true);
  EXPECT_EQ(fresh.status, 304);
  EXPECT_EQ(field(fresh, "x-usual"), "u");
  response = get(server.port(), "a.example", "/none");
  EXPECT_EQ(field(response, "x-usual"), "<none>");
  EXPECT_EQ(field(response, "x-always"), "a");
  EXPECT_EQ(field(response, "x-missing"), "m");
  EXPECT_EQ(field(get(server.port(), "a.example", "/x/a.txt"), "x-usual"), "<none>");
}

TEST(Rules, CacheControlEtagAndTypesAreWhatTheSiteSays) {
  const Server server(
      {.sites = {{"a.example",
                  {{"a.png", "png"}, {"a.css", "css"}, {"a.html", "html"}, {"b.PAGE", "page"}},
                  R"(, "expires": {"image/*": "1h", "text/css": "no-store", "*": 5},
                                  "etag": false, "charset": "iso-8859-1",
                                  "types": {"page": "text/html"})"}}});
  const auto fields = [&](const std::string& target) {
    const HttpResponse response = get(server.port(), "a.example", target);
    return field(response, "cache-control") + ", " + field(response, "content-type") + ", " +
           field(response, "etag");
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(fields("/a.png"), "max-age=3600, image/png, <none>");
    EXPECT_EQ(fields("/a.css"), "no-store, text/css; charset=iso-8859-1, <none>");
    EXPECT_EQ(fields("/b.PAGE"), "max-age=5, text/html; charset=iso-8859-1, <none>");
  }
  const HttpResponse response = get(server.port(), "a.example", "/a.html");
  const HttpResponse fresh =
      ask(server,
          request("a.example", "/a.html",
                  "If-Modified-Since: " + field(response, "last-modified") + "\r\n"),
          true);
  EXPECT_EQ(fresh.status, 304);
  EXPECT_EQ(field(fresh, "cache-control"), "max-age=5");
  EXPECT_EQ(field(get(server.port(), "a.example", "/none"), "cache-control"), "<none>");
}

TEST(Rules, ScriptsOfNamedOriginsMayRead) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"}},
                                  R"(, "cors": {"origins": ["https://b.example"],
                                    "methods": ["GET", "PUT"], "headers": ["X-Y"], "expose": ["X-Z"],
                                    "credentials": true, "max_age": "1h"},
                                  "locations": [{"prefix": "/open", "cors": {"origins": ["*"]}},
                                                {"prefix": "/closed", "cors": false}])"}}});
  const auto from = [&](const std::string& origin, const std::string& target = "/",
                        const std::string& more = {}, const std::string& method = "GET") {
    return ask(server, request("a.example", target, "Origin: " + origin + "\r\n" + more, method));
  };
  HttpResponse response = from("https://b.example");
  EXPECT_EQ(response.body, "site");
  EXPECT_EQ(field(response, "access-control-allow-origin"), "https://b.example");
  EXPECT_EQ(field(response, "access-control-allow-credentials"), "true");
  EXPECT_EQ(field(response, "access-control-expose-headers"), "X-Z");
  EXPECT_EQ(field(response, "vary"), "Origin");
  response = from("https://c.example");
  EXPECT_EQ(field(response, "access-control-allow-origin"), "<none>");
  EXPECT_EQ(field(response, "vary"), "Origin");
  EXPECT_EQ(field(get(server.port(), "a.example", "/"), "vary"), "Origin");
  EXPECT_EQ(field(from("https://c.example", "/open/"), "access-control-allow-origin"), "*");
  EXPECT_EQ(field(get(server.port(), "a.example", "/open/"), "access-control-allow-origin"), "*")
      << "a cache may keep it for those who have an origin";
  EXPECT_EQ(field(from("https://b.example", "/closed/"), "access-control-allow-origin"), "<none>");

  const std::string asks =
      "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-y\r\n";
  response = from("https://b.example", "/any", asks, "OPTIONS");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(field(response, "access-control-allow-origin"), "https://b.example");
  EXPECT_EQ(field(response, "access-control-allow-methods"), "GET, HEAD, POST, PUT");
  EXPECT_EQ(field(response, "access-control-allow-headers"), "X-Y");
  EXPECT_EQ(field(response, "access-control-max-age"), "3600");
  response = from("https://c.example", "/any", asks, "OPTIONS");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(field(response, "access-control-allow-methods"), "<none>");
}

TEST(Rules, ErrorsHaveTheSitesOwnPages) {
  const std::string large(100'000, 'x');
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"},
                                   {"errors/404.html", "not here"},
                                   {"errors/large.html", large},
                                   {"errors/.hidden", "hidden"}},
                                  R"(, "error_pages": {"404": "/errors/404.html",
                                                       "4xx": "/errors/large.html"},
                                  "locations": [
                                    {"prefix": "/none", "error_pages": {"404": "/nowhere.html"}},
                                    {"prefix": "/hidden", "error_pages": {"404": "/errors/.hidden"}},
                                    {"prefix": "/usual", "error_pages": {"404": null}}])"}}});
  HttpResponse response = get(server.port(), "a.example", "/x");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "not here");
  EXPECT_EQ(field(response, "content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(field(response, "etag"), "<none>");
  EXPECT_EQ(get(server.port(), "a.example", "/.env").body, "not here");
  response = ask(server, request("a.example", "/", {}, "DELETE"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.body, large);
  EXPECT_EQ(field(response, "allow"), "GET, HEAD, OPTIONS");
  response = ask(server, request("a.example", "/x", {}, "HEAD"), true);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(field(response, "content-length"), "8");
  for (const char* target : {"/none/", "/hidden/", "/usual/"}) {
    response = get(server.port(), "a.example", target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_TRUE(contains(response.body, "Not Found")) << target;
  }
}

TEST(Rules, LinksAreFollowedAsFarAsTheSiteSays) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"}, {"none/x", "x"}, {"owner/x", "x"}},
                                  R"(, "locations": [
                                    {"prefix": "/none", "symlinks": "none"},
                                    {"prefix": "/owner", "symlinks": "owner"}])"}}});
  for (const std::string folder : {"none", "owner", "."}) {
    const std::string base = server.docroot(0) + "/" + folder;
    const std::string target = folder == "." ? "index.html" : "../index.html";
    ASSERT_EQ(::symlink(target.c_str(), (base + "/own").c_str()), 0);
    ASSERT_EQ(::lchown((base + "/own").c_str(), uid_a, uid_a), 0);
    ASSERT_EQ(::symlink(target.c_str(), (base + "/strange").c_str()), 0);
    ASSERT_EQ(::lchown((base + "/strange").c_str(), uid_b, uid_b), 0);
  }
  const auto status = [&](const std::string& target) {
    return get(server.port(), "a.example", target).status;
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(status("/own"), 200);
    EXPECT_EQ(status("/strange"), 200);
    EXPECT_EQ(status("/owner/own"), 200);
    EXPECT_EQ(status("/owner/strange"), 403);
    EXPECT_EQ(status("/none/own"), 403);
    EXPECT_EQ(status("/none/x"), 200);
  }
}

TEST(Rules, TheOwnersOwnSettingsHoldFromTheNextRequestOn) {
  Server server(
      {.sites = {
           {"a.example",
            {{"index.html", "site"}, {"start.html", "start"}, {"a.inc", "inc"}, {"b.txt", "b"}},
            R"(, "owner_settings": ["index", "deny", "headers"], "deny": ["*.inc"])"},
           {"b.example", {{"index.html", "b"}}}}});
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");
  server.add_file(0, ".perchild.json", R"({"index": ["start.html"], "deny": ["*.txt", "!*.inc"],
      "locations": [{"prefix": "/x", "headers": {"X-Own": {"value": "1", "on": "always"}}}]})");
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "start");
  EXPECT_EQ(get(server.port(), "a.example", "/b.txt").status, 404);
  EXPECT_EQ(get(server.port(), "a.example", "/a.inc").status, 404) << "that the operator hides";
  EXPECT_EQ(field(get(server.port(), "a.example", "/x/y"), "x-own"), "1");
  EXPECT_EQ(get(server.port(), "a.example", "/.perchild.json").status, 404);
  server.add_file(0, ".perchild.json", R"({"index": ["index.html"]})");
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");
  EXPECT_EQ(get(server.port(), "a.example", "/b.txt").body, "b");
  ASSERT_EQ(::unlink((server.docroot(0) + "/.perchild.json").c_str()), 0);
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");
}

TEST(Rules, OfManyMistakesInTheOwnersSettingsTenAreTold) {
  std::string twelve;
  for (const char c : std::string("abcdefghijkl")) {
    twelve += (twelve.empty() ? "{\"" : ", \"") + std::string(1, c) + "\": 1";
  }
  const Server server(
      {.sites = {
           {"a.example", {{".perchild.json", twelve + "}"}}, R"(, "owner_settings": ["index"])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/").status, 500);
  EXPECT_TRUE(error_log_has(server, 0, "mistakes in .perchild.json that are not told here: 2\n"));
  EXPECT_EQ(count_of(server.error_log(0), ".perchild.json has no key"), 10u);
}

TEST(Rules, MistakesInTheOwnersSettingsAreA500AndLinesOfHisLog) {
  Server server({.sites = {{"a.example",
                            {{"index.html", "site"}, {".perchild.json", "{\n  \"indx\": []\n}"}},
                            R"(, "owner_settings": ["index"])"},
                           {"b.example", {{"index.html", "b"}, {".perchild.json", "{"}}}}});
  HttpResponse response = get(server.port(), "a.example", "/");
  EXPECT_EQ(response.status, 500);
  EXPECT_FALSE(contains(response.body, "indx"));
  EXPECT_TRUE(
      error_log_has(server, 0, R"(.perchild.json:2:3: error: .perchild.json has no key "indx")"));
  EXPECT_TRUE(error_log_has(server, 0, "the site's own settings, .perchild.json, have mistakes"));
  EXPECT_EQ(get(server.port(), "b.example", "/").body, "b") << "who may not have such settings";

  server.add_file(0, ".perchild.json", R"({"headers": {"X": "1"}})");
  EXPECT_EQ(get(server.port(), "a.example", "/").status, 500);
  EXPECT_TRUE(error_log_has(server, 0, ".perchild.json:1:2: error: the operator of this server"));
  server.add_file(0, ".perchild.json", "{}");
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");

  ASSERT_EQ(::unlink((server.docroot(0) + "/.perchild.json").c_str()), 0);
  ASSERT_EQ(::symlink("index.html", (server.docroot(0) + "/.perchild.json").c_str()), 0);
  EXPECT_EQ(get(server.port(), "a.example", "/").status, 500);
  EXPECT_TRUE(error_log_has(server, 0, ".perchild.json cannot be opened, or is no file"));
}

}  // namespace
}  // namespace perchild::test::rules_test
