// "tmp": sessions of PHP last over sleep and reload, as they would under a server that never
// sleeps.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "test/support/spares.h"
#include "test/system/neighbour.h"
#include "test/system/reloading.h"

namespace perchild::test::tmp_test {
namespace {

constexpr const char* count =
    "<?php session_start(); echo $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;";
constexpr const char* look =
    "<?php echo implode(' ', array_diff(scandir($_GET['d']), ['.', '..']));";

class Sessions : public ::testing::TestWithParam<unsigned> {
 protected:
  static std::string more_of(const std::string& tmp) {
    return R"(, "php": true, "idle_timeout": "1s", "tmp": )" + tmp;
  }
  std::string make_folder() const {
    const std::string path = home_.path() + "/tmp";
    std::filesystem::create_directory(path);
    EXPECT_EQ(::chown(path.c_str(), uid_a, uid_a), 0);
    EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
    return path;
  }
  static constexpr const char* cookie = "Cookie: PHPSESSID=0123456789abcdefghij\r\n";
  static std::string visit(const Server& server) {
    return ask(server, request("a.example", "/n.php", cookie)).body;
  }
  static bool sleeps(const Server& server) {
    return eventually([&] { return server.runners_of(0).empty(); });
  }

  const TemporaryDirectory home_{"/srv"};
  const std::string tmp_ = make_folder();
  const Server server_{
      {.sites = {{"a.example", {{"n.php", count}}, more_of('"' + tmp_ + '"')},
                 {"b.example", {{"look.php", look}}, R"(, "php": true)"}},
       .more = R"(, "child_groups": { "spares": )" + std::to_string(GetParam()) + " }",
       .parent = "/srv"}};
};

TEST_P(Sessions, OutliveSleepAndReload) {
  ASSERT_TRUE(has_spares(server_, GetParam()));
  EXPECT_EQ(visit(server_), "1") << server_.error_log(0);
  ASSERT_TRUE(sleeps(server_));
  EXPECT_EQ(visit(server_), "2");
  edit(server_, "\"idle_timeout\": \"1s\"", "\"idle_timeout\": \"2s\"");
  ASSERT_EQ(reload(server_).status, 0);
  EXPECT_EQ(visit(server_), "3");
  struct ::stat status {};
  ASSERT_EQ(::stat((tmp_ + "/sess_0123456789abcdefghij").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, uid_a);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);

  EXPECT_EQ(get(server_.port(), "b.example", "/look.php?d=/tmp").body, "");
  EXPECT_FALSE(contains(get(server_.port(), "b.example", "/look.php?d=/srv").body,
                        std::filesystem::path(home_.path()).filename().string()));
}

TEST_P(Sessions, AFolderThatHasBecomeAnothersIsNotUsed) {
  EXPECT_EQ(visit(server_), "1") << server_.error_log(0);
  ASSERT_TRUE(sleeps(server_));
  std::filesystem::rename(tmp_, home_.path() + "/other");
  std::filesystem::create_directory_symlink(home_.path() + "/other", tmp_);
  // Whoever comes meanwhile waits for its mending.
  Client visitor(server_.port());
  visitor.send(request("a.example", "/n.php", cookie));
  EXPECT_TRUE(error_log_has(server_, 0, tmp_ + " as /tmp, which is a link"));
  EXPECT_NE(reload(server_).status, 0);
  std::filesystem::remove(tmp_);
  std::filesystem::rename(home_.path() + "/other", tmp_);
  EXPECT_EQ(visitor.receive().body, "2") << server_.error_log(0);
}

INSTANTIATE_TEST_SUITE_P(WithSpares, Sessions, ::testing::Values(0U, 1U));

}  // namespace
}  // namespace perchild::test::tmp_test
