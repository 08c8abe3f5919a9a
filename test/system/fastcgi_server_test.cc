// A FastCGI server that the site's user runs himself, at a socket: with one process, which must not
// be kept from others.
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "test/system/requests.h"

namespace perchild::test::fastcgi_server_test {
namespace {

class PhpServer {
 public:
  explicit PhpServer(::uid_t uid) {
    std::string folder = "/run/perchild-test-XXXXXX";  // a site's programs have a /tmp of their own
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = folder;
    ::chmod(folder.c_str(), 0777);
    pid_ = ::fork();
    if (pid_ == 0) become_php(uid);
    if (!eventually([&] { return std::filesystem::exists(socket()); })) {
      throw std::runtime_error("php-cgi does not listen");
    }
  }
  ~PhpServer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  PhpServer(const PhpServer&) = delete;
  PhpServer& operator=(const PhpServer&) = delete;

  std::string socket() const { return folder_ + "/socket"; }
  std::string settings() const {
    return R"(, "fastcgi": {"socket": ")" + socket() + R"(", "extensions": ["php"]})";
  }

 private:
  [[noreturn]] void become_php(::uid_t uid) {
    ::umask(0);
    if (::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
        ::setresuid(uid, uid, uid) == 0) {
      ::execl("/usr/bin/php-cgi", "php-cgi", "-b", socket().c_str(), nullptr);
    }
    ::_exit(127);
  }

  std::string folder_;
  ::pid_t pid_ = 0;
};

ServerSpec site_with(const PhpServer& php) {
  return {.sites = {{"a.example",
                     {{"x.php", "<?php echo 'x as ', posix_geteuid();"},
                      {"address.php", "<?php echo $_SERVER['SERVER_ADDR'];"},
                      {"yes.php", "<?php while (true) echo str_repeat('y', 1000);"}},
                     php.settings()}}};
}

TEST(FastCgiServer, AnswersEveryClientThoughOthersStay) {
  const PhpServer php(uid_a);
  const Server server(site_with(php));
  Client first(server.port());
  first.send(request("a.example", "/x.php"));
  EXPECT_EQ(first.receive().body, "x as " + std::to_string(uid_a)) << server.error_log(0);
  Client second(server.port());
  second.send(request("a.example", "/x.php"));
  EXPECT_EQ(second.receive().body, "x as " + std::to_string(uid_a));
  first.send(request("a.example", "/address.php"));
  EXPECT_EQ(first.receive().body, "127.0.0.1");
}

TEST(FastCgiServer, IsNotKeptByAClientThatHasGone) {
  const PhpServer php(uid_a);
  const Server server(site_with(php));
  {
    Client client(server.port());
    client.send(request("a.example", "/yes.php"));
    EXPECT_FALSE(client.receive_some().empty());
  }
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").body, "x as " + std::to_string(uid_a));
}

TEST(FastCgiServer, OfAnotherUserIsNotAsked) {
  const PhpServer php(uid_b);
  const Server server(site_with(php));
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").status, 403);
  EXPECT_TRUE(error_log_has(server, 0, "is not a socket of the site's user"));
}

TEST(FastCgiServer, ThatIsGoneIsA502) {
  std::optional<PhpServer> php(std::in_place, uid_a);
  const Server server(site_with(*php));
  php.reset();
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").status, 502);
  EXPECT_TRUE(error_log_has(server, 0, "cannot be connected to: No such file or directory"));
}

}  // namespace
}  // namespace perchild::test::fastcgi_server_test
