// Who may come in: by address, by password, by how often.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "test/system/requests.h"

namespace perchild::test::access_test {
namespace {

// Of "secret", and cheap.
constexpr const char* bcrypt_of_secret =
    "$2y$04$/5oBhC0ol2ROJ.WP6V2zcOp3UMkjj.ZV6QMIEwcYudRq6AO/Z1zI6";
constexpr const char* sha_of_secret = "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA";
constexpr const char* apr1_of_secret = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0";

const std::string alice_secret = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";
const std::string alice_wrong = "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n";
const std::string bob_secret = "Authorization: Basic Ym9iOnNlY3JldA==\r\n";

std::string auth_with(const std::string& users) {
  return R"(, "auth": { "realm": "The \"inner\" circle", "users": { )" + users + " } }";
}

std::string users_alice_and_bob() {
  return std::string("\"alice\": \"") + bcrypt_of_secret + "\", \"bob\": \"" + sha_of_secret + "\"";
}

class Passwords : public ::testing::Test {
 protected:
  HttpResponse ask_a(const std::string& fields, const std::string& target = "/") {
    return ask(server_, request("a.example", target, fields));
  }

  Server server_{{.sites = two_sites(auth_with(users_alice_and_bob()))}};
};

TEST_F(Passwords, AreAskedForOfTheSiteThatHasThemAlone) {
  const HttpResponse asked = ask_a("");
  EXPECT_EQ(asked.status, 401);
  EXPECT_EQ(asked.fields.at("www-authenticate"),
            R"(Basic realm="The \"inner\" circle", charset="UTF-8")");
  EXPECT_FALSE(contains(asked.body, "of a"));
  EXPECT_EQ(get(server_.port(), "b.example").body, "of b");
  EXPECT_EQ(ask_a("", "/no-such-file").status, 401);
}

TEST_F(Passwords, LetInWhoHasOneAndAreLoggedByName) {
  EXPECT_EQ(ask_a(alice_secret).body, "of a");
  EXPECT_EQ(ask_a(bob_secret).body, "of a");
  EXPECT_TRUE(access_log_has(server_, 0, "127.0.0.1 - alice ["));
  EXPECT_TRUE(access_log_has(server_, 0, "127.0.0.1 - bob ["));
}

TEST_F(Passwords, ThatAreWrongOrOfNobodyAreRefusedAfterAWhile) {
  for (const std::string& fields :
       {alice_wrong, std::string("Authorization: Basic Y2Fyb2w6c2VjcmV0\r\n")}) {
    const std::int64_t begin = now_ms();
    const HttpResponse refused = ask_a(fields);
    EXPECT_EQ(refused.status, 401);
    EXPECT_TRUE(refused.fields.contains("www-authenticate"));
    EXPECT_GE(now_ms() - begin, 900);
  }
  EXPECT_TRUE(error_log_has(server_, 0, "GET /: wrong password, or no such user: alice"));
  EXPECT_TRUE(error_log_has(server_, 0, "GET /: wrong password, or no such user: carol"));
  EXPECT_EQ(ask_a(alice_secret).status, 200);
}

TEST_F(Passwords, OfAnotherSchemeOrGarbledAreAskedForAnew) {
  for (const char* value : {"Bearer abc", "Basic", "Basic !!!!", "Basic YWxpY2U",
                            "Basic Og==", "Basic YWxpY2U=", "Basic YWxpY2U6AA=="}) {
    EXPECT_EQ(ask_a("Authorization: " + std::string(value) + "\r\n").status, 401) << value;
  }
  EXPECT_TRUE(error_log_has(server_, 0, "GET /: the client's credentials cannot be read"));
}

TEST_F(Passwords, HoldUpNobodyWhileOneIsRefused) {
  Client waiting(server_.port());
  waiting.send(request("a.example", "/", alice_wrong));
  const std::int64_t begin = now_ms();
  EXPECT_EQ(ask_a(alice_secret).status, 200);
  EXPECT_LT(now_ms() - begin, 900);
  EXPECT_EQ(waiting.receive().status, 401);
}

TEST_F(Passwords, AreNotTriedOnForEver) {
  const HttpResponse before = ask_a(bob_secret);  // remembered from here on
  std::vector<Client> clients;
  int refused = 0, limited = 0;
  std::string retry;
  for (int round = 0; round < 4; ++round) {
    clients.clear();
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back(server_.port());
      clients.back().send(request("a.example", "/", alice_wrong));
    }
    for (Client& client : clients) {
      const HttpResponse response = client.receive();
      refused += response.status == 401 ? 1 : 0;
      limited += response.status == 429 ? 1 : 0;
      if (response.status == 429) retry = response.fields.at("retry-after");
    }
  }
  EXPECT_GE(refused, 10);
  EXPECT_GE(limited, 1);
  EXPECT_FALSE(retry.empty());
  EXPECT_TRUE(error_log_has(
      server_, 0, "GET /: too many wrong passwords, from this address or for the user alice"));
  // Even with the right one; but not who is known already.
  EXPECT_EQ(ask_a(alice_secret).status, 429);
  EXPECT_EQ(ask_a(bob_secret).status, 200);
}

TEST_F(Passwords, AreAskedAgainOfACheckersSuccessor) {
  EXPECT_EQ(ask_a(alice_secret).status, 200);
  const auto checker = server_.checkers_of(0).at(0).pid;
  ASSERT_EQ(::kill(checker, SIGSTOP), 0);
  Client client(server_.port());
  client.send(request("a.example", "/", bob_secret));
  EXPECT_FALSE(client.closed_by_server(200));
  ASSERT_EQ(::kill(checker, SIGKILL), 0);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_NE(server_.checkers_of(0).at(0).pid, checker);
  EXPECT_TRUE(server_.wait_for_log("checker of a.example")) << server_.log();
}

TEST_F(Passwords, WaitForACheckerInBoundsAndNotForEver) {
  EXPECT_EQ(ask_a(alice_secret).status, 200);
  ASSERT_NO_FATAL_FAILURE(stop_process(server_.checkers_of(0).at(0).pid));
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::make_unique<Client>(server_.port()));
    waiting.back()->send(request("a.example", "/", bob_secret));
  }
  // What one address may have checked at once. Which of the five comes last is not said.
  const HttpResponse fifth = ask_a(bob_secret);
  const HttpResponse first = waiting.front()->receive(false, 30'000);
  const HttpResponse& too_many = fifth.status == 429 ? fifth : first;
  const HttpResponse& too_late = fifth.status == 429 ? first : fifth;
  EXPECT_EQ(too_many.status, 429);
  EXPECT_EQ(too_many.fields.at("retry-after"), "1");
  EXPECT_TRUE(error_log_has(server_, 0, "GET /: too many passwords wait to be checked"));
  EXPECT_EQ(too_late.status, 503);
  EXPECT_TRUE(error_log_has(server_, 0, "GET /: the password could not be checked in time"));
  // Who is known already waits for no checker.
  EXPECT_EQ(ask_a(alice_secret).status, 200);
}

TEST_F(Passwords, CheckerRunsWhereItIsNeededAndEndsWithTheService) {
  EXPECT_EQ(ask_a(alice_secret).status, 200);
  EXPECT_EQ(get(server_.port(), "b.example").status, 200);
  ASSERT_EQ(server_.checkers_of(0).size(), 1u);
  EXPECT_EQ(server_.checkers_of(0)[0].uid, uid_a);
  EXPECT_TRUE(server_.checkers_of(1).empty());
  EXPECT_EQ(server_.stop(), 0) << server_.log();
}

class PasswordFile : public ::testing::Test {
 protected:
  explicit PasswordFile(const std::string& contents = std::string("# users\nalice:") +
                                                      apr1_of_secret + "\nbroken\n")
      : path_(folder_.path() + "/.htpasswd") {
    write(contents);
  }
  void write(const std::string& contents) const {
    folder_.write(".htpasswd.new", contents);
    ASSERT_EQ(::chown((path_ + ".new").c_str(), uid_a, uid_a), 0);
    std::filesystem::rename(path_ + ".new", path_);
  }
  ServerSpec spec() const {
    return {.sites = two_sites(R"(, "auth": { "file": ")" + path_ + "\" }")};
  }

  TemporaryDirectory folder_;
  std::string path_;
};

TEST_F(PasswordFile, OutsideOfTheDocrootIsReadAndItsMistakesAreSaid) {
  Server server(spec());
  EXPECT_EQ(ask(server, request("a.example", "/", alice_secret)).body, "of a");
  EXPECT_EQ(ask(server, request("a.example", "/", bob_secret)).status, 401);
  EXPECT_TRUE(error_log_has(server, 0, "the password file " + path_ + ", line 3: has no colon"));
}

TEST_F(PasswordFile, ThatChangesIsReadAnewWithoutAnyRequestFailing) {
  Server server(spec());
  EXPECT_EQ(ask(server, request("a.example", "/", alice_secret)).status, 200);
  write(std::string("bob:") + bcrypt_of_secret + "\n");
  EXPECT_EQ(ask(server, request("a.example", "/", bob_secret)).status, 200);
  std::ofstream(path_, std::ios::app) << "dora:" << sha_of_secret << "\n";
  EXPECT_EQ(
      ask(server, request("a.example", "/", "Authorization: Basic ZG9yYTpzZWNyZXQ=\r\n")).status,
      200);
}

TEST_F(PasswordFile, ThatIsMissingClosesTheSiteUntilItIsThere) {
  std::filesystem::remove(path_);
  Server server(spec());
  EXPECT_EQ(ask(server, request("a.example", "/", alice_secret)).status, 500);
  EXPECT_TRUE(error_log_has(server, 0, "GET /: the password list cannot be used"));
  EXPECT_EQ(get(server.port(), "a.example").status, 401);
  EXPECT_TRUE(error_log_has(
      server, 0, "the password file " + path_ + " cannot be used: No such file or directory"));
  EXPECT_EQ(get(server.port(), "b.example").status, 200);
  write(std::string("alice:") + apr1_of_secret + "\n");
  EXPECT_TRUE(eventually(
      [&] { return ask(server, request("a.example", "/", alice_secret)).status == 200; }));
}

TEST(Entry, OfAPartOfASiteIsThatOfItsLocation) {
  const std::string locations = std::string(R"(, "access": { "deny": ["all"] }, "locations": [
      { "prefix": "/open", "access": {} },
      { "prefix": "/open/inner", "auth": { "users": { "alice": ")") +
                                bcrypt_of_secret + R"(" } } },
      { "prefix": "/open/inner/hall", "auth": false }])";
  Server server({.sites = {{"a.example",
                            {{"index.html", "of a"},
                             {"open/file", "open"},
                             {"open/inner/file", "inner"},
                             {"open/inner/hall/file", "hall"}},
                            locations}}});
  const auto status = [&](const std::string& target, const std::string& fields = {}) {
    return ask(server, request("a.example", target, fields)).status;
  };
  EXPECT_EQ(status("/"), 403);
  EXPECT_EQ(status("/open/../"), 403);
  EXPECT_EQ(status("/open/file"), 200);
  EXPECT_EQ(status("/open/inner/file"), 401);
  EXPECT_EQ(status("/open/%69nner/file"), 401);
  EXPECT_EQ(status("//open//inner/./file"), 401);
  EXPECT_EQ(status("/open/inner/hall/../file"), 401);
  EXPECT_EQ(status("/open/inner/file", alice_secret), 200);
  EXPECT_EQ(status("/open/inner/hall/file"), 200);
}

// A browser asks without a password whether its page may ask, and takes nothing but 2xx for a yes.
TEST(Entry, APreflightHasNoPasswordAndOtherOptionsNeedOne) {
  const std::string rules = std::string(R"(, "cors": { "origins": ["https://b.example"] },
      "auth": { "users": { "alice": ")") +
                            bcrypt_of_secret + R"(" } })";
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}, rules},
                           {"b.example", {{"index.html", "of b"}}, rules + R"(, "php": true)"},
                           {"c.example", {}, rules + R"(, "proxy": {"to": "http://127.0.0.1:1"},
                   "locations": [{"prefix": "/open", "auth": false, "cors": false}])"}}});
  const std::string origin = "Origin: https://b.example\r\n";
  const std::string asks = origin + "Access-Control-Request-Method: PUT\r\n";
  for (const char* site : {"a.example", "b.example"}) {
    const auto options = [&](const std::string& fields) {
      return ask(server, request(site, "/", fields, "OPTIONS")).status;
    };
    EXPECT_EQ(options(asks), 204) << site;
    EXPECT_EQ(options(origin), 401) << site;
    EXPECT_EQ(options(""), 401) << site;
    EXPECT_EQ(options(alice_secret), 204) << site;
    EXPECT_EQ(ask(server, request(site, "/", asks)).status, 401) << site;
  }
  // Nor does one come to a program, whatever its path.
  for (const char* target : {"/", "/a/b", "/a%2Fb"}) {
    EXPECT_EQ(ask(server, request("c.example", target, asks, "OPTIONS")).status, 204) << target;
    EXPECT_EQ(ask(server, request("c.example", target, "", "OPTIONS")).status, 401) << target;
  }
  // Nor where it is one by one reading of the path, and by the other none, and needs no password.
  EXPECT_EQ(ask(server, request("c.example", "/open/x", asks, "OPTIONS")).status, 502);
  EXPECT_EQ(ask(server, request("c.example", "/open%2Fx", asks, "OPTIONS")).status, 403);
  EXPECT_TRUE(error_log_has(server, 2, "a preflight, by one reading of its path alone"));
}

TEST(Addresses, AreLetInOrNotByTheMostSpecificBlock) {
  Server server(
      {.sites = {{"a.example",
                  {{"index.html", "of a"}},
                  R"(, "access": { "deny": ["127.0.0.1"], "allow": ["127.0.0.0/8"] })"},
                 {"b.example",
                  {{"index.html", "of b"}},
                  R"(, "access": { "deny": ["127.0.0.0/8"], "allow": ["127.0.0.1"] })"}}});
  const HttpResponse denied = get(server.port(), "a.example");
  EXPECT_EQ(denied.status, 403);
  EXPECT_FALSE(contains(denied.body, "of a"));
  EXPECT_EQ(ask(server, request("a.example", "/", "", "OPTIONS")).status, 403);
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_TRUE(error_log_has(server, 0, "GET /: not permitted from this address"));
}

TEST(Rates, OfRequestsAreHeldForEachAddress) {
  Server server(
      {.sites = two_sites(R"(, "rates": { "requests": { "per_address": "1/h", "burst": 3 } })")});
  Client client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send(request("a.example"));
    EXPECT_EQ(client.receive().status, 200) << i;
  }
  client.send(request("a.example"));
  const HttpResponse limited = client.receive();
  EXPECT_EQ(limited.status, 429);
  EXPECT_GT(std::stoi(limited.fields.at("retry-after")), 3000);
  EXPECT_EQ(get(server.port(), "b.example").status, 200);
  EXPECT_TRUE(error_log_has(server, 0, "GET /: more requests than this address may make"));
}

TEST(Rates, AreThoseOfTheSiteHoweverManyWorkersItHas) {
  Server server(
      {.sites = two_sites(
           R"(, "workers": 3, "start": "always", "rates": { "requests": { "per_address": "1/h",
                          "burst": 6 } })")});
  ASSERT_TRUE(eventually([&] { return server.workers_of(0).size() == 3; }));
  std::vector<std::unique_ptr<Client>> clients;
  int granted = 0;
  for (int i = 0; i < 18; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request("a.example"));
    granted += clients.back()->receive().status == 200;
  }
  EXPECT_EQ(granted, 6);
}

TEST(Connections, OfATrustedProxyAreNotLimitedAsThoseOfAVisitor) {
  Server server({.sites = two_sites(
                     R"(, "limits": { "per_address": 1 }, "trusted_proxies": ["127.0.0.1"])")});
  Client first(server.port()), second(server.port());
  for (Client* client : {&first, &second}) {
    client->send(request("a.example", "/", "X-Forwarded-For: 192.0.2.1\r\n"));
    EXPECT_EQ(client->receive().status, 200);
  }
}

TEST(Connections, OfOneAddressAreLimitedInEachWorker) {
  Server server({.sites = two_sites(R"(, "limits": { "per_address": 2 })")});
  Client first(server.port()), second(server.port());
  for (Client* client : {&first, &second}) {
    client->send(request("a.example"));
    EXPECT_EQ(client->receive().status, 200);
  }
  Client third(server.port());
  third.send(request("a.example"));
  const HttpResponse refused = third.receive();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.fields.at("retry-after"), "1");
  EXPECT_TRUE(third.closed_by_server());
  EXPECT_TRUE(error_log_has(server, 0, "GET /: more connections than an address may have"));
  first.send(request("a.example", "/", "Connection: close\r\n"));
  EXPECT_EQ(first.receive().status, 200);
  EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example").status == 200; }));
}

}  // namespace
}  // namespace perchild::test::access_test
