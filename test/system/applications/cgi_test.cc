// Programs that a request is started for: git's, and scripts in Perl.
#include "test/system/applications/browser.h"
#include "test/system/applications/installed.h"
#include "test/system/requests.h"

namespace perchild::test::cgi_test {
namespace {

class Git {
 public:
  Git(std::uint16_t port) : resolve_("a.example:" + std::to_string(port) + ":127.0.0.1") {}

  std::string run(std::vector<std::string> arguments, const std::string& folder = "/") const {
    std::vector<std::string> all{"git",
                                 "-C",
                                 folder,
                                 "-c",
                                 "http.curloptResolve=" + resolve_,
                                 "-c",
                                 "user.name=a",
                                 "-c",
                                 "user.email=a@example.com",
                                 "-c",
                                 "init.defaultBranch=main"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const CommandEnd end = run_command(all);
    EXPECT_EQ(end.status, 0) << end.output;
    return end.output;
  }

 private:
  std::string resolve_;
};

TEST(GitHttpBackend, WhatIsPushedIsCloned) {
  Server server({.sites = {{"a.example",
                            {},
                            R"(, "limits": {"body": "8M"},
                               "locations": [{"prefix": "/repositories", "access": {"deny": ["all"]}}], "cgi": {"directories": ["/cgi-bin"],
                               "environment": {"GIT_HTTP_EXPORT_ALL": "1"}})"}}});
  const Git git(server.port());
  const std::string repository = server.docroot(0) + "/repositories/tree.git";
  git.run({"init", "-q", "--bare", repository});
  git.run({"config", "http.receivepack", "true"}, repository);
  server.add_file(
      0, "cgi-bin/git",
      "#!/bin/sh\nGIT_PROJECT_ROOT=$DOCUMENT_ROOT/repositories exec git http-backend\n");
  give_to_site(server, 0);
  run_command({"chmod", "0700", server.docroot(0) + "/cgi-bin/git"});

  const TemporaryDirectory directory;
  const std::string url =
      "http://a.example:" + std::to_string(server.port()) + "/cgi-bin/git/tree.git";
  const std::string first = directory.path() + "/first";
  const std::string second = directory.path() + "/second";
  git.run({"clone", "-q", url, first});
  // Larger than what git sends in one piece: it comes in chunks, and has to get a length.
  EXPECT_EQ(
      run_command({"sh", "-c", "head -c 3000000 /dev/urandom >\"$0\"", first + "/large"}).status,
      0);
  git.run({"add", "large"}, first);
  git.run({"commit", "-q", "-m", "A large file"}, first);
  git.run({"push", "-q", "origin", "HEAD:main"}, first);
  git.run({"clone", "-q", url, second});
  EXPECT_EQ(read_file(second + "/large").size(), 3'000'000u);
  EXPECT_TRUE(read_file(second + "/large") == read_file(first + "/large"));
  EXPECT_EQ(get(server.port(), "a.example", "/repositories/tree.git/HEAD").status, 403);
}

constexpr const char* script = R"(#!/usr/bin/perl
use strict;
use warnings;
my $wanted = $ENV{PATH_INFO} // '';
if ($wanted eq '/local') {
  print "Location: /page.txt\n\n";
} elsif ($wanted eq '/away') {
  print "Location: https://b.example/\n\n";
} elsif ($wanted eq '/teapot') {
  print "Status: 418 Teapot\nContent-Type: text/plain\n\nshort and stout";
} else {
  local $/;
  my $body = <STDIN> // '';
  print "Content-Type: text/plain\n\n";
  print "$ENV{REQUEST_METHOD} $ENV{SCRIPT_NAME} $wanted $ENV{QUERY_STRING} $< $body";
}
)";

TEST(Perl, AScriptAnswersAsRfc3875HasIt) {
  Server server({.sites = {{"a.example", {{"page.txt", "a page"}}, R"(, "cgi": true)"}}});
  server.add_file(0, "cgi-bin/own.pl", script, 0700);
  const Browser browser("a.example", server.port());
  const std::string uid = std::to_string(uid_a);
  EXPECT_EQ(browser.get("/cgi-bin/own.pl").body, "GET /cgi-bin/own.pl   " + uid + " ");
  EXPECT_EQ(browser.post("/cgi-bin/own.pl/x/y?q=1", {"a=b"}).body,
            "POST /cgi-bin/own.pl /x/y q=1 " + uid + " a=b");
  EXPECT_EQ(browser.get("/cgi-bin/own.pl/local").body, "a page");
  const Page away = browser.get("/cgi-bin/own.pl/away");
  EXPECT_EQ(away.status, 302);
  EXPECT_EQ(away.location, "https://b.example/");
  const Page teapot = browser.get("/cgi-bin/own.pl/teapot");
  EXPECT_EQ(teapot.status, 418);
  EXPECT_EQ(teapot.body, "short and stout");
}

}  // namespace
}  // namespace perchild::test::cgi_test
