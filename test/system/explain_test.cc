// `perchild explain`: what it says is what a visitor gets.
#include <gtest/gtest.h>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test::explain_test {
namespace {

class Explain : public ::testing::Test {
 protected:
  Explain()
      : server_({.sites = {{"a.example",
                            {{"index.html", "of a"},
                             {"new/page.html", "page"},
                             {"front.html", "front"},
                             {"sorry.html", "sorry"}},
                            R"(, "redirect": { "pattern": "^/old/(.*)$", "to": "/new/$1" },
                                "rewrite": { "pattern": "^/alias$", "to": "/new/page.html" },
                                "error_pages": { "404": "/sorry.html" },
                                "owner_settings": true,
                                "locations": [
                                  { "prefix": "/inner", "access": { "allow": ["192.0.2.7"] } },
                                  { "prefix": "/new/secret", "auth": { "users": { "alice":
                                    "$2b$04$abcdefghijklmnopqrstuuGbaYq2RhdaZ4ZzGWJD2CBWQ1VF7iGlm" } } },
                                  { "prefix": "/app", "try": ["{path}", "/front.html"] },
                                  { "pattern": "\\.txt$", "charset": false } ])"},
                           {"b.example", {{"index.html", "of b"}}, R"(, "suspended": true)"}}}) {}

  CommandEnd explain_of(const std::string& host, const std::string& target,
                        std::optional<::uid_t> as, const std::string& from) const {
    return run_command(
        {bin_directory() + "/perchild", "explain", "--from", from, "--config",
         server_.configuration(), "http://" + host + ":" + std::to_string(server_.port()) + target},
        as);
  }
  std::string explained(const std::string& host, const std::string& target,
                        std::optional<::uid_t> as = std::nullopt,
                        const std::string& from = "127.0.0.1") const {
    const CommandEnd end = explain_of(host, target, as, from);
    EXPECT_EQ(end.status, 0) << end.output;
    return end.output;
  }

  // That the explanation has these lines in this order, and the answer that a visitor gets.
  void expect(const std::string& target, const std::vector<std::string>& lines) const {
    const std::string text = explained("a.example", target);
    std::size_t at = 0;
    for (const std::string& line : lines) {
      const std::size_t found = text.find("  " + line + "\n", at);
      EXPECT_NE(found, std::string::npos) << line << "\n in\n" << text;
      if (found != std::string::npos) at = found;
    }
    const HttpResponse response = get(server_.port(), "a.example", target);
    EXPECT_TRUE(contains(text, "  answer:   " + std::to_string(response.status))) << text;
  }

  Server server_;
};

TEST_F(Explain, NamesTheFileThatIsServed) {
  expect("/", {"path:     /", "file:     " + server_.docroot(0) + "/index.html", "answer:   200",
               "header:   Content-Length: 4"});
  expect("/new/../new/page.html", {"path:     /new/page.html"});
}

TEST_F(Explain, FollowsRedirectsRewritesAndPathsToTry) {
  expect("/old/page.html?x", {"redirect: pattern ^/old/(.*)$", "answer:   302",
                              "header:   Location: /new/page.html?x"});
  expect("/alias", {"path:     /alias", "rewrite:  pattern ^/alias$", "path:     /new/page.html",
                    "file:     " + server_.docroot(0) + "/new/page.html"});
  expect("/app/x",
         {"path:     /app/x", "location: prefix /app", "try:      /app/x, which is not there",
          "try:      /front.html, the last", "path:     /front.html", "answer:   200"});
}

// ---- applications by name

class ExplainedApplication : public ::testing::Test {
 protected:
  static SiteSpec site(const std::string& app, const std::map<std::string, std::string>& more) {
    SiteSpec spec{app + ".example", {{"index.php", "<?php"}}, R"(, "app": ")" + app + "\""};
    spec.files.insert(more.begin(), more.end());
    return spec;
  }
  ExplainedApplication()
      : server_(
            {.sites = {site("wordpress", {{"wp-content/uploads/x.php", "<?php"}}),
                       site("drupal", {{"modules/x.php", "<?php"}, {"modules/x.module", "<?php"}}),
                       site("dokuwiki", {{"doku.php", "<?php"}, {"lib/exe/fetch.php", "<?php"}}),
                       site("mediawiki", {{"w/index.php", "<?php"}}), site("laravel", {})}}) {}

  // That these lines are said, in this order.
  void expect(const std::string& app, const std::string& target,
              const std::vector<std::string>& lines) const {
    const std::string text =
        run_command({bin_directory() + "/perchild", "explain", "--config", server_.configuration(),
                     "http://" + app + ".example:" + std::to_string(server_.port()) + target})
            .output;
    std::size_t at = 0;
    for (const std::string& line : lines) {
      const std::size_t found = text.find("  " + line, at);
      EXPECT_NE(found, std::string::npos) << line << "\n in\n" << text;
      if (found != std::string::npos) at = found;
    }
  }

  const Server server_;
};

TEST_F(ExplainedApplication, HasTheRulesThatItsMakersRecommend) {
  const std::string front = "path:     /index.php";
  const std::string php = "program:  php";
  const std::string hidden = "answer:   404";
  const std::string closed = "answer:   403, not permitted from this address";
  for (const char* app : {"wordpress", "drupal", "laravel"}) {
    expect(app, "/a/page",
           {"try:      /a/page, which is not there", "try:      /index.php, the last", front, php});
  }
  expect("wordpress", "/wp-content/uploads/x.php",
         {"location: prefix /wp-content/uploads", hidden});
  expect("drupal", "/modules/x.php", {"location: pattern ", hidden});
  expect("drupal", "/modules/x.module", {"answer:   404, the site hides files of such names"});
  expect("drupal", "/sites/a.example/private/x",
         {"location: pattern ^/sites/[^/]+/private(/|$)", closed});
  expect("dokuwiki", "/a:page", {"try:      /doku.php", "path:     /doku.php", php});
  expect("dokuwiki", "/_media/x.png",
         {"rewrite:  pattern ^/_media/(.*)$", "path:     /lib/exe/fetch.php", php});
  expect("dokuwiki", "/data/pages/a.txt", {"location: prefix /data", closed});
  expect("mediawiki", "/wiki/A_page",
         {"rewrite:  pattern ^/wiki/(.*)$", "path:     /w/index.php", php});
  expect("mediawiki", "/", {"path:     /w/index.php", php});
  expect("mediawiki", "/wiki", {"path:     /w/index.php", php});
  for (const std::string folder : {"/w/images/deleted", "/w/cache", "/w/tests", "/w/maintenance"}) {
    expect("mediawiki", folder + "/x.php", {"location: prefix " + folder, closed});
  }
  expect("mediawiki", "/w/includes/Setup.php", {"location: prefix /w/includes", closed});
}

// ---- and what is wrong

TEST_F(Explain, NamesTheReasonOfARefusalAndThePageThatGoesWithIt) {
  expect("/nothing",
         {"path:     /nothing", "page:     /sorry.html", "answer:   404, no such file"});
  expect("/.git/config", {"answer:   404, the site hides files of such names"});
  expect("/new", {"answer:   301"});
  expect("/%2e%2e/x", {"answer:   400, impossible path"});
}

TEST_F(Explain, FollowsTheOwnersRulesAndSaysTheirMistakes) {
  server_.add_file(0, ".perchild.json",
                   R"({ "locations": [{ "prefix": "/app", "redirect": { "to": "/new/" } }] })");
  expect("/app/x", {"location: prefix /app", "location: prefix /app of .perchild.json",
                    "redirect: every path", "header:   Location: /new/"});
  server_.add_file(0, ".perchild.json", R"({ "unknown": 1 })");
  EXPECT_TRUE(contains(explained("a.example", "/"), ".perchild.json:1:3: error: "));
  expect("/", {"answer:   500, the site's own settings, .perchild.json, have mistakes"});
}

TEST_F(Explain, WhatFilesAreCalledDoesNotReachTheTerminalAsItIs) {
  // As 8-bit terminals read it: clear the screen.
  server_.add_file(0,
                   "\x9b"
                   "2J",
                   "escape");
  const std::string text = explained("a.example", "/%9b2J");
  EXPECT_TRUE(contains(text, "/\\x9B2J\n")) << text;
  EXPECT_TRUE(contains(text, "answer:   200")) << text;
  EXPECT_FALSE(contains(text, "\x9b"));
}

TEST_F(Explain, ReadsWithTheSitesRightsNotWithRoots) {
  server_.add_file(0, "roots.html", "root's");
  const std::string file = server_.docroot(0) + "/roots.html";
  ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
  expect("/roots.html", {"answer:   403, the site's user may not read it, or a link leads out of "
                         "the docroot"});
}

TEST_F(Explain, SaysWhoMayComeInAndWhatFollowsForWhoMay) {
  expect("/inner/", {"location: prefix /inner", "answer:   403, not permitted from this address"});
  const std::string text = explained("a.example", "/inner/", {}, "192.0.2.7");
  EXPECT_TRUE(contains(text, "answer:   404, no such file")) << text;
  EXPECT_EQ(explain_of("a.example", "/", {}, "nowhere").status, 1);
  const std::string secret = explained("a.example", "/new/secret/x");
  EXPECT_TRUE(contains(secret, "password: asked for; to who has it, what follows\n")) << secret;
  EXPECT_TRUE(contains(secret, "answer:   404, no such file")) << secret;
}

TEST_F(Explain, ToldToAUserItEndsWithTheSite) {
  ASSERT_EQ(::chmod(server_.directory().path().c_str(), 0755), 0);
  const std::string text = explained("a.example", "/", uid_a);
  EXPECT_TRUE(contains(text, "  site:     a.example\n")) << text;
  EXPECT_TRUE(contains(text, "is told to root")) << text;
}

TEST_F(Explain, ASuspendedSiteAnswersFromTheRouter) {
  EXPECT_TRUE(contains(explained("b.example", "/"), "answer:   503, the site is suspended"));
}

}  // namespace
}  // namespace perchild::test::explain_test
