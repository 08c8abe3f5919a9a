// A FastCGI server that the site's user runs himself, at a socket: with one process, which must not
// be kept from others.
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "test/system/users_server.h"

namespace perchild::test::fastcgi_server_test {
namespace {

class PhpServer : public UsersServer {
 public:
  explicit PhpServer(::uid_t uid)
      : UsersServer(uid, [](const std::string& socket) {
          ::execl("/usr/bin/php-cgi", "php-cgi", "-b", socket.c_str(), nullptr);
        }) {}

  std::string settings() const {
    return R"(, "fastcgi": {"socket": ")" + socket() + R"(", "extensions": ["php"]})";
  }
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
