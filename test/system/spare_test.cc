// PHP that has been loaded before a site wanted it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "test/support/spares.h"
#include "test/system/requests.h"

namespace perchild::test::spare_test {
namespace {

std::string spares(unsigned count) {
  return R"(, "child_groups": { "spares": )" + std::to_string(count) + " }";
}

const std::map<std::string, std::string> id_script{{"id.php", "<?php echo posix_geteuid();"}};

ServerSpec php_sites(unsigned count_of_spares, const std::map<std::string, std::string>& files,
                     const std::string& php = "true") {
  const std::string more = R"(, "php": )" + php;
  return {.sites = {{"a.example", files, more}, {"b.example", files, more}},
          .more = spares(count_of_spares)};
}

// What it was before it had a site is what it was started as.
bool was_a_spare(const ProcessFacts& runner) {
  std::error_code error;
  const auto executable =
      std::filesystem::read_symlink("/proc/" + std::to_string(runner.pid) + "/exe", error);
  return executable.filename() == "perchild-spare";
}

TEST(Spare, BecomesTheRunnerOfWhoComesFirstAndAnotherTakesItsPlace) {
  Server server(php_sites(1, id_script));
  ASSERT_TRUE(has_spares(server, 1)) << server.log();
  const ProcessFacts first = server.spares().at(0);
  EXPECT_EQ(first.uid, spare_uid);
  EXPECT_EQ(get(server.port(), "a.example", "/id.php").body, std::to_string(uid_a));
  ASSERT_EQ(server.runners_of(0).size(), 1u);
  EXPECT_EQ(server.runners_of(0).at(0).pid, first.pid) << server.log();
  ASSERT_TRUE(has_spares(server, 1)) << server.log();
  EXPECT_EQ(get(server.port(), "b.example", "/id.php").body, std::to_string(uid_b));
  EXPECT_TRUE(was_a_spare(server.runners_of(1).at(0)));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_EQ(server.log(),
            "perchild: ready\nperchild: stopping: running requests may finish\n"
            "perchild: stopped\n");
  EXPECT_EQ(server.error_log(0) + server.error_log(1), "");
}

// All that a program can find out about where it stands.
constexpr const char* circumstances = R"(<?php
$status = file_get_contents('/proc/self/status');
foreach (['Umask', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp',
          'Seccomp_filters', 'SigBlk', 'SigIgn'] as $name) {
  preg_match("/^$name:.*$/m", $status, $line);
  echo $line[0], "\n";
}
echo posix_geteuid(), ' ', posix_getegid(), ' ', getcwd(), "\n";
echo file_get_contents('/proc/self/limits'), file_get_contents('/proc/self/oom_score_adj');
echo preg_replace('/^\d+ \d+ /m', '', preg_replace('/\d+:\d+ /', '', file_get_contents('/proc/self/mountinfo')));
$environment = getenv(); ksort($environment); unset($environment['REMOTE_PORT'], $environment['REQUEST_TIME']);
foreach ($environment as $name => $value) if (!is_numeric($name)) echo "$name=$value\n";
foreach (['/etc/hostname', '/etc/shadow', '/root', '/home', '/tmp', '/var/log'] as $path)
  echo $path, ' ', var_export(@stat($path) !== false, true), var_export(is_readable($path), true),
       var_export(is_writable($path), true), "\n";
foreach (['/tmp/x', '/dev/shm/x', __DIR__ . '/x', '/var/x', '/etc/x', '/opt/x'] as $path) {
  echo $path, ' ', var_export(@file_put_contents($path, 'x'), true), "\n";
  @unlink($path);
}
file_put_contents(__DIR__ . '/m', 'm');
mkdir(__DIR__ . '/e'); echo var_export(rename(__DIR__ . '/m', __DIR__ . '/e/m'), true), "\n";
echo var_export(posix_kill(1, 0), true), posix_get_last_error(), "\n";
foreach (scandir('/proc/self/fd') as $fd) echo $fd, ' ';
echo "\n", ini_get('session.save_path'), "\n", shell_exec('id; ulimit -a');
)";

std::string circumstances_of(unsigned count_of_spares, const std::string& more) {
  const Server server(
      {.sites = {{"a.example", {{"x.php", circumstances}}, R"(, "php": true)" + more}},
       .more = spares(count_of_spares) + R"(, "mechanisms": { "cgroup": "if-available" })"});
  EXPECT_TRUE(has_spares(server, count_of_spares));
  std::string body = get(server.port(), "a.example", "/x.php").body;
  EXPECT_EQ(was_a_spare(server.runners_of(0).at(0)), count_of_spares != 0);
  EXPECT_EQ(server.error_log(0), "");
  // What differs from server to server.
  const std::string folder = server.directory().path();
  for (std::size_t at = 0; (at = body.find(folder, at)) != std::string::npos;) {
    body.replace(at, folder.size(), "*");
  }
  return body;
}

void expect_the_same_without_one(const std::string& more = {}) {
  const std::string without = circumstances_of(0, more);
  EXPECT_TRUE(contains(without, "Seccomp:\t2")) << without;
  EXPECT_EQ(circumstances_of(1, more), without);
}

TEST(Spare, AProgramFindsItselfWhereItWouldBeWithoutOne) {
  expect_the_same_without_one();
}

TEST(SpareWithLittleMemory, HasAProgramWhereItWouldBeWithoutOne) {
  expect_the_same_without_one(R"(, "limits": { "memory": "300M", "processes": 20 })");
}

TEST(Spare, AreOfTheKindsThatSitesHaveAUseFor) {
  Server server({.sites = {{"a.example", id_script, R"(, "php": true)"},
                           {"b.example",
                            {{"x.php", "<?php echo ini_get('user_agent');"}},
                            R"(, "php": { "ini": { "user_agent": "b" } })"}},
                 .more = spares(1)});
  ASSERT_TRUE(has_spares(server, 2)) << server.log();
  EXPECT_EQ(get(server.port(), "b.example", "/x.php").body, "b");
  EXPECT_EQ(get(server.port(), "a.example", "/id.php").body, std::to_string(uid_a));
  EXPECT_TRUE(was_a_spare(server.runners_of(0).at(0)));
  EXPECT_TRUE(was_a_spare(server.runners_of(1).at(0)));
}

TEST(Spare, OneThatIsKilledHasASuccessorAndItsInterpretersEndIsItsOwn) {
  Server server(php_sites(1, id_script));
  for (const bool interpreter : {false, true}) {
    ASSERT_TRUE(has_spares(server, 1)) << server.log();
    const ::pid_t spare = server.spares().at(0).pid;
    const std::string of_spare =
        "/proc/" + std::to_string(spare) + "/task/" + std::to_string(spare);
    std::istringstream children(read_file(of_spare + "/children"));
    ::pid_t last = spare;
    for (::pid_t child; interpreter && children >> child;) last = child;
    ::kill(last, SIGKILL);
    EXPECT_TRUE(server.wait_for_log("a spare (pid " + std::to_string(spare) + ") "));
    EXPECT_EQ(get(server.port(), "b.example", "/id.php").body, std::to_string(uid_b));
  }
  ASSERT_TRUE(has_spares(server, 1)) << server.log();
  EXPECT_EQ(get(server.port(), "a.example", "/id.php").body, std::to_string(uid_a));
}

// Its interpreter's: of which no spare comes to be.
TEST(Spare, WithoutOneASiteSaysItselfWhatIsWrong) {
  Server server(php_sites(1, id_script, R"({ "interpreter": "/bin/false" })"));
  EXPECT_TRUE(server.wait_for_log("a spare (pid ")) << server.log();
  EXPECT_EQ(get(server.port(), "a.example", "/id.php").status, 502);
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST(Spare, AReloadReplacesThoseThatNobodyHasAUseForAnyMore) {
  Server server(php_sites(1, {{"x.php", "<?php echo ini_get('user_agent');"}}));
  ASSERT_TRUE(has_spares(server, 1)) << server.log();
  const ::pid_t before = server.spares().at(0).pid;
  std::string text = read_file(server.configuration());
  for (std::size_t at; (at = text.find("\"php\": true")) != std::string::npos;) {
    text.replace(at, 11, R"("php": { "ini": { "user_agent": "new" } })");
  }
  write_file(server.configuration(), text);
  EXPECT_EQ(
      run_command({bin_directory() + "/perchild", "reload", "--config", server.configuration()})
          .status,
      0);
  ASSERT_TRUE(eventually([&] {
    const auto now = server.spares();
    return now.size() == 1 && now[0].pid != before;
  })) << server.log();
  ASSERT_TRUE(has_spares(server, 1)) << server.log();
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").body, "new");
  EXPECT_TRUE(was_a_spare(server.runners_of(0).at(0)));
}

}  // namespace
}  // namespace perchild::test::spare_test
