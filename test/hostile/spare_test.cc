// Spares that have been taken over, towards the master; and what a spare's interpreter can do
// before it has a site.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/command.h"
#include "test/support/server.h"

namespace perchild::test::spare_test {
namespace {

constexpr const char* one_spare = R"(, "child_groups": { "spares": 1 })";
constexpr const char* script = "<?php echo 'of ', posix_geteuid();";

class HostileSpare : public ::testing::TestWithParam<const char*> {
 protected:
  explicit HostileSpare(const std::string& order = GetParam()) {
    spare_.write("spare-order", order);
    server_.emplace(ServerSpec{.sites = {{"a.example", {{"x.php", script}}, R"(, "php": true)"}},
                               .more = one_spare,
                               .bin = spare_.bin()});
  }

  ReplacedRole spare_{Role::spare};
  std::optional<Server> server_;
};

TEST_P(HostileSpare, IsEndedAndReportedAndSitesDoWithout) {
  EXPECT_TRUE(server_->wait_for_log("a spare ")) << server_->log();
  EXPECT_TRUE(server_->wait_for_log(": ended")) << server_->log();
  EXPECT_EQ(get(server_->port(), "a.example", "/x.php").body, "of " + std::to_string(uid_a));
  EXPECT_EQ(server_->stop(), 0) << server_->log();
}

INSTANTIATE_TEST_SUITE_P(Says, HostileSpare,
                         ::testing::Values("garbage", "early_lock_down", "wrong_pid",
                                           "with_descriptor", "not_itself", "twice"),
                         [](const auto& each) { return std::string(each.param); });

class SpareThatDies : public HostileSpare {
 protected:
  SpareThatDies() : HostileSpare("dies") {}
};

TEST_F(SpareThatDies, IsFollowedByARunner) {
  ASSERT_TRUE(eventually([&] {
    return get(server_->port(), "a.example", "/x.php").body == "of " + std::to_string(uid_a);
  })) << server_->log();
  EXPECT_EQ(server_->stop(), 0) << server_->log();
}

// Behind a spare: an interpreter that makes attacks before it is PHP, once it is told which.
class InterpreterOfASpare : public ::testing::Test {
 protected:
  InterpreterOfASpare() {
    ::chmod(folder_.path().c_str(), 0777);
    const std::string tries = folder_.path() + "/attacks";
    const std::string interpreter =
        folder_.write("interpreter",
                      "#!/bin/sh\nwhile [ ! -e " + tries + " ]; do sleep 0.02; done\n" +
                          "while read name argument; do\n" + "echo \"attack $name $argument: $(" +
                          bin_directory() + "/hostile-program $name $argument)\"\n" + "done <" +
                          tries + " >" + tries + ".made\n" + "mv " + tries + ".made " + tries +
                          ".results\nexec /usr/bin/php-cgi \"$@\"\n",
                      0755);
    server_.emplace(ServerSpec{.sites = {{"a.example",
                                          {{"x.php", script}},
                                          R"(, "php": {"interpreter": ")" + interpreter + R"("})"}},
                               .more = one_spare});
  }
  std::map<std::string, int> make(const std::string& attacks) {
    folder_.write("attacks", attacks, 0644);
    const std::string results = folder_.path() + "/attacks.results";
    EXPECT_TRUE(eventually([&] { return ::access(results.c_str(), F_OK) == 0; })) << server_->log();
    return reported_attacks(read_file(results));
  }

  TemporaryDirectory folder_;
  std::optional<Server> server_;
};

TEST_F(InterpreterOfASpare, CanBecomeNobodyAndReachesNoSiteAndNoService) {
  const std::string folder = server_->directory().path();
  const std::string master = std::to_string(server_->master());
  const std::vector<std::pair<std::string, int>> attacks{
      {"become " + std::to_string(uid_a), EINVAL},
      {"become " + std::to_string(master_uid), EINVAL},
      {"become 0", EINVAL},
      {"read " + server_->docroot(0) + "/x.php", EACCES},
      {"list " + server_->log_directory(), EACCES},
      {"read " + folder + "/run/mail-sent", EACCES},
      {"signal " + master, ESRCH},
      {"take_descriptor " + master, ESRCH},
      {"listen_at " + std::to_string(free_port()), EACCES},
  };
  std::string lines;
  for (const auto& [attack, answer] : attacks) lines += attack + "\n";
  const auto results = make(lines);
  for (const auto& [attack, answer] : attacks) {
    ASSERT_EQ(results.count(attack), 1u) << attack;
    EXPECT_EQ(results.at(attack), answer) << attack;
    // The control: root, outside of all this.
    std::vector<std::string> call{bin_directory() + "/hostile-program"};
    std::istringstream words(attack);
    for (std::string word; words >> word;) call.push_back(word);
    EXPECT_EQ(run_command(call).output, "0\n") << attack;
  }
}

}  // namespace
}  // namespace perchild::test::spare_test
