// The pages that the server makes itself: listings, errors, and those about a site as such.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "test/system/requests.h"
#include "test/vhosts/files/decoded.h"

namespace perchild::test::pages_test {
namespace {

constexpr const char* html = "text/html; charset=utf-8";

SiteSpec listed_site() {
  return {"a.example",
          {{"docs/b.txt", std::string(1500, 'b')},
           {"docs/A.txt", "a"},
           {"docs/c & <d>.txt", std::string(20, 'c')},
           {"docs/inner/x.txt", "x"},
           {"docs/.htpasswd", "secret"},
           {"docs/dump.sql", "secret"},
           {"docs/code.inc", "secret"},
           {"plain/x.txt", "x"},
           {"index.html", "of a"}},
          R"(, "locations": [{"prefix": "/docs", "listing": true, "deny": ["*.inc"]}])"};
}

void make_link(const Server& server, const std::string& target, const std::string& name) {
  const std::string path = server.docroot(0) + "/" + name;
  std::filesystem::create_symlink(target, path);
  ASSERT_EQ(::lchown(path.c_str(), uid_a, uid_a), 0);
}

bool is_before(const std::string& text, const std::string& first, const std::string& second) {
  const std::size_t at = text.find(first);
  return at != std::string::npos && text.find(second, at) != std::string::npos;
}

TEST(Listings, AreOffUnlessAsked) {
  const Server server({.sites = {listed_site()}});
  const HttpResponse response = get(server.port(), "a.example", "/plain/");
  EXPECT_EQ(response.status, 403);
  EXPECT_FALSE(contains(response.body, "x.txt"));
  EXPECT_TRUE(error_log_has(server, 0, "GET /plain/: a directory without an index"));
}

TEST(Listings, ShowWhatIsServedAndHideTheRest) {
  const Server server({.sites = {listed_site()}});
  ASSERT_EQ(::mkfifo((server.docroot(0) + "/docs/fifo").c_str(), 0666), 0);
  make_link(server, "b.txt", "docs/inside");
  make_link(server, "../../../outside", "docs/outside");
  make_link(server, "../index.html", "docs/up");
  const HttpResponse response = get(server.port(), "a.example", "/docs/");
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.at("content-type"), html);
  EXPECT_EQ(response.fields.at("cache-control"), "no-cache");
  for (const char* name : {">b.txt<", ">A.txt<", ">c &amp; &lt;d&gt;.txt<", ">inner<", ">inside<",
                           ">up<", "1.5 kB", "href=\"./inner/\"", "href=\"../\""}) {
    EXPECT_TRUE(contains(response.body, name)) << name;
  }
  for (const char* name : {"htpasswd", "dump.sql", "code.inc", "fifo", "outside", "<d>"}) {
    EXPECT_FALSE(contains(response.body, name)) << name;
  }
  EXPECT_EQ(get(server.port(), "a.example", "/docs/c%20%26%20%3Cd%3E.txt").status, 200);
  EXPECT_EQ(get(server.port(), "a.example", "/docs").status, 301);
  EXPECT_EQ(get(server.port(), "a.example", "/docs/inner/").status, 200);
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "of a") << "an index goes before";
}

TEST(Listings, AreSortedAsTheQuerySays) {
  const Server server({.sites = {listed_site()}});
  const auto body = [&](const std::string& query) {
    return get(server.port(), "a.example", "/docs/" + query).body;
  };
  EXPECT_TRUE(is_before(body(""), ">A.txt<", ">b.txt<"));
  EXPECT_TRUE(is_before(body("?sort=name&order=desc"), ">b.txt<", ">A.txt<"));
  EXPECT_TRUE(is_before(body("?sort=size"), ">A.txt<", ">c &amp;"));
  EXPECT_TRUE(is_before(body("?sort=size"), ">c &amp;", ">b.txt<"));
  EXPECT_TRUE(is_before(body("?sort=size&order=desc"), ">inner<", ">b.txt<")) << "folders first";
}

TEST(Listings, AnswerHeadAsGetAndKeepTheConnection) {
  const Server server({.sites = {listed_site()}});
  Client client(server.port());
  client.send(request("a.example", "/docs/"));
  const HttpResponse got = client.receive();
  client.send(request("a.example", "/docs/", {}, "HEAD"));
  const HttpResponse head = client.receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("content-length"), std::to_string(got.body.size()));
  client.send(request("a.example"));
  EXPECT_EQ(client.receive().body, "of a");
}

TEST(Listings, AreSentInTheCodingThatTheClientTakes) {
  const Server server({.sites = {listed_site()}});
  const HttpResponse plain = get(server.port(), "a.example", "/docs/");
  EXPECT_FALSE(plain.fields.contains("content-encoding"));
  EXPECT_EQ(plain.fields.at("vary"), "Accept-Encoding");
  const auto got_by = [&](const std::string& coding, const std::string& method = "GET") {
    const std::string accept = "Accept-Encoding: " + coding + "\r\n";
    return ask(server, request("a.example", "/docs/", accept, method), method == "HEAD");
  };
  const HttpResponse gzip = got_by("gzip"), br = got_by("gzip, br");
  EXPECT_EQ(gzip.fields.at("content-encoding"), "gzip");
  EXPECT_EQ(gunzip(gzip.body), plain.body);
  EXPECT_EQ(br.fields.at("content-encoding"), "br");
  EXPECT_EQ(unbrotli(br.body), plain.body);
  EXPECT_EQ(got_by("gzip", "HEAD").fields.at("content-length"), std::to_string(gzip.body.size()));
}

TEST(Listings, ThatTheClientHasAreAnswered304) {
  const Server server({.sites = {listed_site()}});
  const HttpResponse first = get(server.port(), "a.example", "/docs/");
  const std::string tag = first.fields.at("etag");
  EXPECT_TRUE(tag.starts_with("W/\"")) << tag;
  const auto with = [&](const std::string& fields, const std::string& query = {}) {
    return ask(server, request("a.example", "/docs/" + query, fields));
  };
  const HttpResponse again = with("If-None-Match: " + tag + "\r\nAccept-Encoding: gzip\r\n");
  EXPECT_EQ(again.status, 304);
  for (const char* name : {"etag", "vary", "cache-control"}) {
    EXPECT_EQ(again.fields.at(name), first.fields.at(name));
  }
  EXPECT_FALSE(again.fields.contains("content-type"));
  EXPECT_EQ(with("If-None-Match: " + tag + "\r\n", "?sort=size").status, 200);
  EXPECT_EQ(with("If-Match: " + tag + "\r\n").status, 412) << "by RFC 9110, 13.1.1: it is weak";
  EXPECT_EQ(with("If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT\r\n").status, 200);
  std::filesystem::remove(server.docroot(0) + "/docs/A.txt");
  EXPECT_EQ(with("If-None-Match: " + tag + "\r\n").status, 200);
}

TEST(Listings, FollowTheRuleOfSymbolicLinks) {
  const auto names_by = [](const std::string& rule) {
    const Server server({.sites = {{"a.example",
                                    {{"docs/own.txt", "own"}, {"folder/x.txt", "x"}},
                                    R"(, "listing": true, "symlinks": ")" + rule + "\""}}});
    make_link(server, "docs/own.txt", "to-own");
    make_link(server, "folder", "to-folder");
    make_link(server, "docs/own.txt", "of-another");
    EXPECT_EQ(::lchown((server.docroot(0) + "/of-another").c_str(), uid_b, uid_b), 0);
    const std::string body = get(server.port(), "a.example", "/").body;
    std::string names;
    for (const char* name : {"docs", "to-own", "to-folder", "of-another"}) {
      if (contains(body, ">" + std::string(name) + "<")) names.append(name).append(" ");
    }
    return names + std::to_string(get(server.port(), "a.example", "/to-folder/").status);
  };
  EXPECT_EQ(names_by("beneath"), "docs to-own to-folder of-another 200");
  EXPECT_EQ(names_by("owner"), "docs to-own to-folder 200");
  EXPECT_EQ(names_by("none"), "docs 403");
}

TEST(Listings, OfManyFilesAreBounded) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 1100; ++i) files["f" + std::to_string(i)] = "x";
  const Server server({.sites = {{"a.example", files, R"(, "listing": true)"}}});
  const HttpResponse response = get(server.port(), "a.example", "/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(count_of(response.body, "<bdi>f"), 1000U);
  EXPECT_TRUE(contains(response.body, "There are more files here: only 1000 of them are shown."));
}

TEST(Listings, OfAFolderThatCannotBeReadAreForbidden) {
  const Server server({.sites = {{"a.example", {{"docs/x.txt", "x"}}, R"(, "listing": true)"}}});
  ASSERT_EQ(::chmod((server.docroot(0) + "/docs").c_str(), 0311), 0);
  EXPECT_EQ(get(server.port(), "a.example", "/docs/").status, 403);
  EXPECT_TRUE(error_log_has(server, 0, "GET /docs/: the site's user may not read the folder"));
  EXPECT_EQ(get(server.port(), "a.example", "/docs/x.txt").body, "x");
}

TEST(Listings, AreTheOwnersToTurnOnIfTheOperatorLetsHim) {
  for (const bool may : {true, false}) {
    const Server server({.sites = {{"a.example",
                                    {{"x.txt", "x"}, {".perchild.json", R"({"listing": true})"}},
                                    may ? R"(, "owner_settings": ["listing"])" : ""}}});
    EXPECT_EQ(get(server.port(), "a.example", "/").status, may ? 200 : 403);
  }
}

TEST(Pages, ASiteWithoutAFileWelcomesAndAnyOtherDoesNot) {
  const Server server({.sites = {{"a.example", {{".hidden", "x"}, {".git/config", "x"}}},
                                 {"b.example", {{"x.txt", "x"}}}}});
  const HttpResponse welcome = get(server.port(), "a.example", "/");
  EXPECT_EQ(welcome.status, 200);
  EXPECT_EQ(welcome.fields.at("content-type"), html);
  EXPECT_TRUE(contains(welcome.body, "<h1>This site is ready</h1>"));
  EXPECT_EQ(get(server.port(), "a.example", "/x.txt").status, 404);
  const HttpResponse forbidden = get(server.port(), "b.example", "/");
  EXPECT_EQ(forbidden.status, 403);
  EXPECT_FALSE(contains(forbidden.body, "ready"));
}

TEST(Pages, OfTheRouterAndOfWorkersHaveOneLook) {
  const Server server({.sites = two_sites(R"(, "suspended": true)")});
  const auto style_of = [&](const std::string& host, const std::string& target) {
    const HttpResponse response = get(server.port(), host, target);
    EXPECT_EQ(response.fields.at("content-type"), html);
    EXPECT_GT(response.status, 399);
    const std::size_t begin = response.body.find("<style>");
    return response.body.substr(begin, response.body.find("</style>") - begin);
  };
  const std::string style = style_of("b.example", "/absent");
  EXPECT_GT(style.size(), 100U);
  EXPECT_EQ(style_of("a.example", "/"), style) << "suspended";
  EXPECT_EQ(style_of("nobody.example", "/"), style) << "421, by the router";
}

class SitesErrorPages : public ::testing::Test {
 protected:
  // What the second request on a connection gets, of which the router has seen the first.
  HttpResponse second(const std::string& bytes) {
    Client client(server_.port());
    client.send(request("a.example") + bytes);
    EXPECT_EQ(client.receive().status, 200);
    HttpResponse response = client.receive();
    EXPECT_TRUE(client.closed_by_server());
    return response;
  }

  Server server_{{.sites = {{"a.example",
                             {{"index.html", "of a"}, {"sorry.html", "sorry, by a"}},
                             R"(, "error_pages": {"4xx": "/sorry.html"}, "limits": {"body": "1K"},
                     "timeouts": {"head": "500ms"},
                     "headers": {"X-Frame-Options": {"value": "DENY", "on": "always"}})"}}}};
};

TEST_F(SitesErrorPages, AreShownForWhatEndsAConnectionToo) {
  const std::string large = "Content-Length: 2000\r\n";
  for (const auto& [bytes, status] : std::vector<std::pair<std::string, int>>{
           {request("a.example", "/", large, "POST"), 413},
           {"GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n", 400},
           {"GET  / HTTP/1.1\r\n\r\n", 400},
           {request("a.example", "/", "X: " + std::string(40'000, 'x') + "\r\n"), 431},
           {"GET / HTTP/1.1\r\nHost: a.ex", 408}}) {
    const HttpResponse response = second(bytes);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, "sorry, by a") << status;
    EXPECT_EQ(response.fields.at("x-frame-options"), "DENY") << status;
    EXPECT_EQ(response.fields.at("connection"), "close") << status;
  }
}

TEST_F(SitesErrorPages, AreShownForPathsThatAreNone) {
  for (const auto& [target, status] :
       std::vector<std::pair<std::string, int>>{{"/%00", 400}, {"/../up", 400}, {"/a%2Fb", 404}}) {
    const HttpResponse response = get(server_.port(), "a.example", target);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, "sorry, by a") << target;
    EXPECT_EQ(response.fields.at("x-frame-options"), "DENY") << target;
  }
}

TEST_F(SitesErrorPages, AreNotShownToWhoAskedForAnotherHost) {
  const HttpResponse response = second(request("b.example"));
  EXPECT_EQ(response.status, 421);
  EXPECT_FALSE(contains(response.body, "sorry"));
  EXPECT_FALSE(response.fields.contains("x-frame-options"));
}

}  // namespace
}  // namespace perchild::test::pages_test
