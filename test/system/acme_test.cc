// The answers to certificate authorities' challenges, which the operator keeps for all sites.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test::acme_test {
namespace {

const std::string challenges = "/.well-known/acme-challenge/";

class Acme : public testing::Test {
 protected:
  Acme() {
    webroot_.write("acme/tok_EN-1", "tok_EN-1.thumbprint");
    webroot_.write("acme/private", "nobody's", 0600);
    webroot_.write("acme/below/file", "below");
    webroot_.write("secret", "outside");
    std::filesystem::create_symlink("../secret", webroot_.path() + "/acme/link");
    // Only the folder itself is handed on: what is above it may be closed.
    ::chmod(webroot_.path().c_str(), 0700);
  }

  ServerSpec spec(const std::string& more_of_a = {}) {
    return {.sites = two_sites(more_of_a),
            .more = R"(, "acme_webroot": ")" + webroot_.path() + "/acme\""};
  }

  TemporaryDirectory webroot_;
};

TEST_F(Acme, ATokenIsServedByEverySite) {
  Server server(spec());
  for (const char* host : {"a.example", "b.example"}) {
    const HttpResponse response = get(server.port(), host, challenges + "tok_EN-1");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "tok_EN-1.thumbprint");
    EXPECT_EQ(response.fields.at("content-type"), "application/octet-stream");
    EXPECT_EQ(response.fields.at("cache-control"), "no-store");
  }
  const HttpResponse head =
      ask(server, request("a.example", challenges + "tok_EN-1", {}, "HEAD"), true);
  EXPECT_EQ(head.fields.at("content-length"), "19");
}

TEST_F(Acme, ATokenThatIsMadeWhileTheSiteRunsIsThereAtOnce) {
  Server server(spec());
  EXPECT_EQ(get(server.port(), "a.example", challenges + "later").status, 404);
  webroot_.write("acme/later", "now");
  EXPECT_EQ(get(server.port(), "a.example", challenges + "later").body, "now");
}

TEST_F(Acme, ATokenComesBeforeAnyRedirect) {
  Server server(spec(R"(, "https": "redirect")"));
  EXPECT_EQ(get(server.port(), "a.example", challenges + "tok_EN-1").status, 200);
  EXPECT_EQ(get(server.port(), "a.example", challenges + "other").status, 301);
  EXPECT_EQ(get(server.port(), "a.example", "/").status, 301);
}

TEST_F(Acme, NothingButATokenIsLookedFor) {
  Server server(spec());
  for (const char* name : {"", "private", "below", "below/file", "link", "../secret",
                           "%2e%2e/secret", "..%2fsecret", "tok_EN-1/", "tok%5FEN-1", ".", ".."}) {
    const HttpResponse response = get(server.port(), "a.example", challenges + name);
    EXPECT_TRUE(response.status >= 400 || response.status == 301) << name << response.status;
    EXPECT_FALSE(contains(response.body, "outside")) << name;
  }
  EXPECT_EQ(ask(server, request("a.example", challenges + "tok_EN-1", {}, "POST")).status, 405);
}

TEST_F(Acme, AnotherFolderTakesARestart) {
  Server server({.sites = two_sites()});
  std::string text = read_file(server.configuration());
  text.insert(text.rfind('}'), spec().more);
  write_file(server.configuration(), text);
  const CommandEnd end =
      run_command({bin_directory() + "/perchild", "reload", "--config", server.configuration()});
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "\"acme_webroot\" is left out and cannot become "))
      << end.output;
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
}

TEST_F(Acme, ASitesOwnFolderAnswersForWhatIsNotThere) {
  Server server(spec());
  server.add_file(0, challenges.substr(1) + "own", "of a itself");
  EXPECT_EQ(get(server.port(), "a.example", challenges + "own").body, "of a itself");
  EXPECT_EQ(get(server.port(), "b.example", challenges + "own").status, 404);
}

}  // namespace
}  // namespace perchild::test::acme_test
