// A tenant who exchanges one name for another in a tight loop, so that what was checked is not what
// is opened. The control is a server that looks first and opens then: it is led astray, and as many
// requests as it took are made of the real one, at least.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "test/system/requests.h"

namespace perchild::test::race_test {
namespace {

constexpr int fewest_tries = 200;
constexpr int most_tries = 1000;

class Exchanger {
 public:
  Exchanger(::uid_t uid, const std::string& one, const std::string& other) : pid_(::fork()) {
    if (pid_ != 0) return;
    if (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) ::_exit(1);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of uid takes it back
    while (::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(),
                     RENAME_EXCHANGE) == 0) {
    }
    ::_exit(2);
  }
  ~Exchanger() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Exchanger(const Exchanger&) = delete;
  Exchanger& operator=(const Exchanger&) = delete;

  bool goes_on() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  ::pid_t pid_;
};

void give(const std::string& path, ::uid_t uid) {
  ASSERT_EQ(::lchown(path.c_str(), uid, uid), 0) << path;
}

// How often one who checks `name` and then opens `path` is not led astray before he is.
int tries_of_who_looks_first(const std::string& name, const std::string& path, ::uid_t owner,
                             const std::string& secret) {
  int tries = 0;
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 1000; ++i) {
      ++tries;
      struct ::stat status;
      const bool is_good =
          ::lstat(name.c_str(), &status) == 0 && !S_ISLNK(status.st_mode) && status.st_uid == owner;
      if (is_good && contains(read_file(path), secret)) return true;
    }
    return false;
  }));
  return std::clamp(tries, fewest_tries, most_tries);
}

// Over one connection, but for what ends it.
class Asker {
 public:
  explicit Asker(const Server& server) : server_(server) {}
  HttpResponse ask(const std::string& target) {
    if (!client_) client_.emplace(server_.port());
    client_->send(request("a.example", target));
    HttpResponse response = client_->receive();
    const auto connection = response.fields.find("connection");
    if (response.status == 0 ||
        (connection != response.fields.end() && connection->second == "close")) {
      client_.reset();
    }
    return response;
  }

 private:
  const Server& server_;
  std::optional<Client> client_;
};

// Asks for it until everything has been answered that the race has in it. What was seen.
std::set<int> race(const Server& server, const std::string& target, int tries,
                   const std::function<void(const HttpResponse&)>& judge) {
  std::set<int> seen;
  Asker asker(server);
  eventually([&] {
    for (int i = 0; i < tries; ++i) {
      const HttpResponse response = asker.ask(target);
      judge(response);
      seen.insert(response.status);
    }
    return seen.size() > 1;
  });
  return seen;
}

class Race : public ::testing::TestWithParam<const char*> {
 protected:
  // What lies in the site's root and is not its user's.
  void keep(const std::string& name, const std::string& contents, unsigned mode = 0644) {
    server_.add_file(0, name, contents, mode);
    give(at(name), uid_b);
  }
  void link(const std::string& target, const std::string& name) {
    ASSERT_EQ(::symlink(target.c_str(), at(name).c_str()), 0);
    give(at(name), uid_a);
  }
  std::string at(const std::string& name) const { return server_.docroot(0) + "/" + name; }
  void expect_none_of_bs(const std::string& target, int tries) {
    const auto seen = race(server_, target, tries, [](const HttpResponse& response) {
      EXPECT_FALSE(contains(response.body, "of b")) << response.status;
    });
    EXPECT_TRUE(seen.contains(200));
    EXPECT_GT(seen.size(), 1u) << "nothing was ever refused";
  }

  Server server_{{.sites = {{"a.example",
                             {{"page", "of a"}, {"docs/page", "of a"}},
                             GetParam() + std::string(R"(, "owner_settings": ["headers"])")},
                            {"b.example", {{"index.html", "of b"}}}}}};
};

TEST_P(Race, OfAFileForALink) {
  keep("kept", "of b");
  link("kept", "trap");
  const Exchanger exchanger(uid_a, at("page"), at("trap"));
  expect_none_of_bs("/page", tries_of_who_looks_first(at("page"), at("page"), uid_a, "of b"));
  EXPECT_TRUE(exchanger.goes_on());
}

TEST_P(Race, OfAFolderForALink) {
  keep("kept/page", "of b");
  give(at("kept"), uid_b);
  ASSERT_EQ(::chmod(at("kept").c_str(), 0755), 0);
  link("kept", "trap");
  const Exchanger exchanger(uid_a, at("docs"), at("trap"));
  expect_none_of_bs("/docs/page",
                    tries_of_who_looks_first(at("docs"), at("docs/page"), uid_a, "of b"));
  EXPECT_TRUE(exchanger.goes_on());
}

TEST_P(Race, OfAFileForALinkOutOfTheRoot) {
  const TemporaryDirectory outside;
  const std::string open = outside.write("open", "of b");
  give(open, uid_b);
  link("../../../../../.." + open, "trap");
  const Exchanger exchanger(uid_a, at("page"), at("trap"));
  expect_none_of_bs("/page", tries_of_who_looks_first(at("page"), at("page"), uid_a, "of b"));
  EXPECT_TRUE(exchanger.goes_on());
}

std::string header_of(const std::string& whom) {
  return R"({"locations": [{"prefix": "/", "headers": {"X-Of": {"value": "of )" + whom +
         R"(", "on": "always"}}}]})";
}

TEST_P(Race, OfTheSitesOwnSettingsForALink) {
  server_.add_file(0, ".perchild.json", header_of("a"), 0644);
  keep("kept.json", header_of("b"));
  link("kept.json", "trap");
  const std::string settings = at(".perchild.json");
  const Exchanger exchanger(uid_a, settings, at("trap"));
  const int tries = tries_of_who_looks_first(settings, settings, uid_a, "of b");
  bool came = false;
  race(server_, "/page", tries, [&](const HttpResponse& response) {
    EXPECT_FALSE(contains(response.head, "of b")) << response.head;
    came |= contains(response.head, "of a");
  });
  EXPECT_TRUE(came);
  EXPECT_TRUE(exchanger.goes_on());
}

INSTANTIATE_TEST_SUITE_P(Where, Race,
                         ::testing::Values(R"(, "symlinks": "none")", R"(, "symlinks": "owner")"),
                         [](const auto& each) {
                           return contains(each.param, "none") ? "NoneIsFollowed"
                                                               : "ThoseToOnesOwnAre";
                         });

// By whoever the operator lets answer challenges.
TEST(RaceOfAChallenge, ForALinkOutOfTheFolderLeadsNowhere) {
  const TemporaryDirectory folder;
  const std::string webroot = folder.path() + "/acme";
  const std::string token = folder.write("acme/token", "of a");
  const std::string outside = folder.write("outside", "of b");
  ASSERT_EQ(::symlink(outside.c_str(), (webroot + "/trap").c_str()), 0);
  for (const std::string& path : {webroot, token, webroot + "/trap"}) give(path, uid_a);
  const Server server({.sites = {{"a.example", {{"index.html", "x"}}}},
                       .more = R"(, "acme_webroot": ")" + webroot + "\""});
  const Exchanger exchanger(uid_a, token, webroot + "/trap");
  const int tries = tries_of_who_looks_first(token, token, uid_a, "of b");
  const auto seen =
      race(server, "/.well-known/acme-challenge/token", tries, [](const HttpResponse& response) {
        EXPECT_FALSE(contains(response.body, "of b")) << response.status;
      });
  EXPECT_TRUE(seen.contains(200));
  EXPECT_TRUE(exchanger.goes_on());
}

// Who can exchange a script is the site's user, and can run what he likes. It is run as him.
TEST(RaceOfAScript, RunsNothingAsAnybodyElse) {
  const std::string script = "#!/bin/sh\necho Content-Type: text/plain\necho\necho as=$(id -u)\n";
  Server server({.sites = {{"a.example", {{"index.html", "x"}}, R"(, "cgi": true)"}}});
  server.add_file(0, "cgi-bin/script", script, 0700);
  server.add_file(0, "cgi-bin/kept", script + "# of b\n", 0755);
  const std::string folder = server.docroot(0) + "/cgi-bin";
  give(folder + "/kept", uid_b);
  ASSERT_EQ(::symlink("kept", (folder + "/trap").c_str()), 0);
  give(folder + "/trap", uid_a);
  const Exchanger exchanger(uid_a, folder + "/script", folder + "/trap");
  tries_of_who_looks_first(folder + "/script", folder + "/script", uid_a, "of b");
  constexpr int runs = 20;  // each of which is two processes
  EXPECT_TRUE(eventually([&] {
    bool has_run = false;
    for (int i = 0; i < runs; ++i) {
      Client client(server.port());
      client.send(request("a.example", "/cgi-bin/script", "Connection: close\r\n"));
      const std::string response = client.receive_to_end().value_or("");
      if (!contains(response, "200 OK")) continue;
      EXPECT_TRUE(contains(response, "as=" + std::to_string(uid_a) + "\n")) << response;
      has_run = true;
    }
    return has_run;
  }));
  EXPECT_TRUE(exchanger.goes_on());
}

}  // namespace
}  // namespace perchild::test::race_test
