// Programs in the configuration: what becomes of them, and mistakes, each where it stands.
#include "policy/configuration_programs.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"
#include "test/policy/marked_text.h"

namespace perchild::test::configuration_programs_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string told(const std::vector<Mistake>& mistakes) {
  std::string all;
  for (const Mistake& mistake : mistakes) all += format_mistake(mistake);
  return all;
}

ReadConfiguration read(const std::string& vhost, const std::string& defaults = "{}") {
  FakeSystem system;
  system.programs["/srv/a/app"] = ProgramAnswer::not_executable;
  system.programs["/srv/a"] = ProgramAnswer::not_a_file;
  FakeFiles files;
  files.texts["perchild.json"] = R"({"listen": [{"address": "*:80"}], "id_range": [1000, 59999],
    "defaults": )" + defaults + R"(, "vhosts": [
{"hosts": ["a.example"], "user": "alice", "root": "/srv/a", )" +
                                 vhost + "}]}";
  return read_configuration("perchild.json", files, system);
}

Site site_of(const std::string& vhost, const std::string& defaults = "{}") {
  const ReadConfiguration got = read(vhost, defaults);
  EXPECT_TRUE(got.mistakes.empty()) << told(got.mistakes);
  return got.configuration.value().sites[0];
}

bool has_word(const ProgramSettings& program, std::string_view word) {
  return std::find(program.command.begin(), program.command.end(), word) != program.command.end();
}

TEST(ConfigurationPrograms, PhpNeedsNoMoreThanTrue) {
  const Site site = site_of(R"("php": true)");
  ASSERT_EQ(site.programs.size(), 1U);
  const ProgramSettings& php = site.programs[0];
  EXPECT_EQ(php.kind, ProgramKind::fastcgi_pool);
  EXPECT_EQ(php.protocol, ProgramProtocol::fastcgi);
  EXPECT_EQ(php.name, "php");
  EXPECT_EQ(php.command[0], "/usr/bin/php-cgi");
  EXPECT_TRUE(has_word(php, "expose_php=0"));
  EXPECT_TRUE(has_word(php, "session.save_path=\"/tmp\"") ||
              has_word(php, "session.save_path=/tmp"));
  EXPECT_EQ(php.environment, std::vector<std::string>{"PHP_FCGI_MAX_REQUESTS=0"});
  EXPECT_EQ(php.directory, "/srv/a");
  ASSERT_EQ(site.content.settings.handlers.size(), 1U);
  EXPECT_EQ(site.content.settings.handlers[0].program, 0U);
  EXPECT_EQ(site.content.settings.handlers[0].extensions, std::vector<std::string>{"php"});
}

TEST(ConfigurationPrograms, PhpIsAsItsSettingsSay) {
  const Site site = site_of(R"("php": {"interpreter": "/usr/bin/php-cgi8.2", "max_processes": 2,
    "idle_timeout": "20s", "max_requests": 10, "time_limit": 5, "queue": 7, "queue_timeout": "1s",
    "extensions": ["php", "phtml"], "environment": {"A": "b", "C": ""},
    "ini": {"memory_limit": "128M", "opcache.enable": false, "expose_php": true, "x": 12, "e": "",
            "error_reporting": "E_ALL & ~E_NOTICE", "date.timezone": "Europe/Berlin"}})");
  ASSERT_EQ(site.programs.size(), 1U);
  const ProgramSettings& php = site.programs[0];
  EXPECT_EQ(php.command[0], "/usr/bin/php-cgi8.2");
  for (const char* word :
       {"memory_limit=128M", "opcache.enable=0", "expose_php=1", "x=12", "e=\"\"",
        "error_reporting=E_ALL & ~E_NOTICE", "date.timezone=\"Europe/Berlin\""}) {
    EXPECT_TRUE(has_word(php, word)) << word;
  }
  EXPECT_FALSE(has_word(php, "expose_php=0"));
  EXPECT_EQ(php.most_processes, 2U);
  EXPECT_EQ(php.most_requests, 10U);
  EXPECT_EQ(php.idle, seconds(20));
  EXPECT_EQ(php.request, seconds(5));
  EXPECT_EQ(php.queue, seconds(1));
  EXPECT_EQ(php.longest_queue, 7U);
  EXPECT_EQ(php.environment, (std::vector<std::string>{"A=b", "C=", "PHP_FCGI_MAX_REQUESTS=0"}));
  EXPECT_EQ(site.content.settings.handlers[0].extensions,
            (std::vector<std::string>{"php", "phtml"}));
}

TEST(ConfigurationPrograms, SessionsLastAsPhpIsTold) {
  const auto lifetime_with = [](const std::string& value) {
    return site_of(R"("php": {"ini": {"session.gc_maxlifetime": )" + value + "}}")
        .programs.at(0)
        .session;
  };
  EXPECT_EQ(site_of(R"("php": true)").programs.at(0).session, seconds(1440));
  EXPECT_EQ(lifetime_with("7200"), seconds(7200));
  EXPECT_EQ(lifetime_with("\"60\""), seconds(60));
  EXPECT_EQ(lifetime_with("0"), seconds(0));
  EXPECT_EQ(lifetime_with("4000000"), std::chrono::hours(24));
  EXPECT_EQ(lifetime_with("99999999999"), seconds(1440));
  EXPECT_EQ(site_of(R"("cgi": true)").programs.at(0).session, seconds(0));
}

TEST(ConfigurationPrograms, AVhostInheritsAndReplacesAndSwitchesOff) {
  const std::string defaults = R"({"php": {"max_processes": 9}})";
  EXPECT_EQ(site_of(R"("start": "always")", defaults).programs.at(0).most_processes, 9U);
  const Site replaced = site_of(R"("php": {"max_processes": 3})", defaults);
  ASSERT_EQ(replaced.programs.size(), 1U) << "whom nobody names is not there";
  EXPECT_EQ(replaced.programs[0].most_processes, 3U);
  EXPECT_EQ(replaced.content.settings.handlers.at(0).program, 0U);
  EXPECT_TRUE(site_of(R"("php": false)", defaults).programs.empty());
  const Site uploads = site_of(R"("locations": [{"prefix": "/uploads", "php": false}])", defaults);
  EXPECT_EQ(uploads.programs.size(), 1U);
  ASSERT_EQ(uploads.content.locations[0].settings.handlers.size(), 1U);
  EXPECT_FALSE(uploads.content.locations[0].settings.handlers[0].program);
}

TEST(ConfigurationPrograms, ScriptsOfCgiLieInFoldersOrHaveExtensions) {
  const Site usual = site_of(R"("cgi": true)");
  EXPECT_EQ(usual.programs.at(0).kind, ProgramKind::cgi);
  EXPECT_EQ(usual.programs[0].most_processes, 8U);
  EXPECT_EQ(usual.content.settings.handlers[0].directories, std::vector<std::string>{"/cgi-bin"});
  const Site site = site_of(
      R"("cgi": {"extensions": ["cgi", "pl"]}, "locations": [{"prefix": "/git/", "cgi": true}])");
  EXPECT_TRUE(site.content.settings.handlers.at(0).directories.empty());
  const HandlerSetting& git = site.content.locations.at(0).settings.handlers.at(0);
  EXPECT_EQ(git.directories, std::vector<std::string>{"/git"});
  EXPECT_EQ(git.program, 1U);
}

TEST(ConfigurationPrograms, ApplicationsAndBackendsAnswerForEveryPath) {
  const Site site = site_of(R"("php": true, "try": ["{path}", "/index.php"], "locations": [
    {"prefix": "/app", "app": {"command": ["/usr/bin/node", "/srv/a/app.js"], "directory": "/srv/a/b"}},
    {"prefix": "/api", "proxy": {"to": "http://localhost:3000/", "request_buffer": "1M"}},
    {"prefix": "/six", "proxy": {"to": "http://[::1]:3000"}},
    {"prefix": "/sock", "proxy": {"to": "unix:/run/a.sock"}},
    {"prefix": "/fast", "fastcgi": {"socket": "/run/b.sock"}},
    {"prefix": "/own", "fastcgi": {"command": ["/usr/bin/own"], "extensions": ["own"]}}])");
  ASSERT_EQ(site.programs.size(), 7U);
  EXPECT_EQ(site.programs[1].kind, ProgramKind::app);
  EXPECT_EQ(site.programs[1].protocol, ProgramProtocol::http);
  EXPECT_EQ(site.programs[1].command, (std::vector<std::string>{"/usr/bin/node", "/srv/a/app.js"}));
  EXPECT_EQ(site.programs[1].directory, "/srv/a/b");
  EXPECT_EQ(site.programs[2].address, "127.0.0.1:3000");
  EXPECT_EQ(site.programs[2].kind, ProgramKind::backend);
  EXPECT_EQ(site.programs[1].most_kept, 1024U * 1024);
  EXPECT_EQ(site.programs[2].most_kept, 1024U * 1024);
  EXPECT_EQ(site.programs[3].most_kept, 0U);
  EXPECT_EQ(site.programs[3].address, "[::1]:3000");
  EXPECT_EQ(site.programs[4].address, "/run/a.sock");
  EXPECT_EQ(site.programs[5].protocol, ProgramProtocol::fastcgi);
  EXPECT_EQ(site.programs[5].kind, ProgramKind::backend);
  EXPECT_EQ(site.programs[6].kind, ProgramKind::fastcgi_pool);
  ContentSettings app = site.content.settings;
  overlay(app, site.content.locations[0].settings);
  ASSERT_EQ(app.handlers.size(), 1U) << "no file of the application's is run by PHP";
  EXPECT_EQ(app.handlers[0].topic, "app");
  EXPECT_FALSE(app.try_paths);
  ContentSettings own = site.content.settings;
  overlay(own, site.content.locations[5].settings);
  EXPECT_EQ(own.handlers.size(), 2U);
  EXPECT_TRUE(own.try_paths);
}

TEST(ConfigurationPrograms, AnApplicationsOwnPathsAreTriedBeforeIt) {
  const Site site =
      site_of(R"("app": {"command": ["/usr/bin/node"]}, "try": ["{path}"])", R"({"try": ["/x"]})");
  ASSERT_TRUE(site.content.settings.try_paths);
  EXPECT_EQ(site.content.settings.try_paths->fallback, "{path}");
  EXPECT_FALSE(site_of(R"("app": {"command": ["/usr/bin/node"]})", R"({"try": ["/x"]})")
                   .content.settings.try_paths);
}

TEST(ConfigurationPrograms, FoldersForThemAreNamedOutright) {
  const Site site = site_of(R"("writable_folders": ["/srv/data"])",
                            R"({"writable_folders": ["/a"], "executable_folders": ["/srv/bin"]})");
  EXPECT_EQ(site.writable_folders, std::vector<std::string>{"/srv/data"});
  EXPECT_EQ(site.executable_folders, std::vector<std::string>{"/srv/bin"});
}

TEST(ConfigurationPrograms, MayConnectToAnyPortOrToThoseThatAreNamed) {
  EXPECT_EQ(site_of(R"("cgi": true)").connect_ports, std::nullopt);
  const Site none = site_of(R"("connect_ports": [])", R"({"connect_ports": [443]})");
  EXPECT_EQ(none.connect_ports, (std::vector<std::uint16_t>{}));
  const Site some = site_of(R"("cgi": true)", R"({"connect_ports": [443, 65535]})");
  EXPECT_EQ(some.connect_ports, (std::vector<std::uint16_t>{443, 65535}));
}

class ProgramMistake : public testing::TestWithParam<MarkedMistake> {};

TEST_P(ProgramMistake, IsShownWhereItIsAndIsTheOnlyOne) {
  const MarkedMistake& one = GetParam();
  const MarkedText marked(one.text);
  const ReadConfiguration got = read(marked.text);
  ASSERT_EQ(got.mistakes.size(), 1U) << told(got.mistakes);
  EXPECT_EQ(got.mistakes[0].sentence, one.sentence);
  EXPECT_EQ(got.mistakes[0].hint, one.hint);
  // Of the vhost, which begins in the third line behind what comes before it.
  constexpr std::size_t before =
      std::string_view(R"({"hosts": ["a.example"], "user": "alice", "root": "/srv/a", )").size();
  const std::size_t column = std::stoul(marked.place.substr(2));
  EXPECT_EQ(got.mistakes[0].line, 3U);
  EXPECT_EQ(got.mistakes[0].column, before + column);
}

const MarkedMistake cases[] = {
    {R"("connect_ports": ^443)", R"("connect_ports" must be an array, but is a number)"},
    {R"("connect_ports": [443, ^0])",
     R"(an element of "connect_ports" must be a whole number from 1 to 65535)"},
    {R"("php": ^7)", R"("php" must be an object, but is a number)"},
    {R"("php": {^"max_procesess": 7})", R"("php" has no key "max_procesess")",
     R"(did you mean "max_processes"?)"},
    {R"("php": {"max_processes": ^0})", R"("max_processes" must be a whole number from 1 to 1024)"},
    {R"("php": {"interpreter": ^"/opt/php-cgi"})", R"(there is no program "/opt/php-cgi")",
     "apt install php-cgi"},
    {R"("php": {"interpreter": ^"/usr/bin/php"})",
     R"("/usr/bin/php" answers no requests: it is the PHP of the command line, or php-fpm)",
     R"("/usr/bin/php-cgi", of the package php-cgi)"},
    {R"("php": {"interpreter": ^"/srv/a"})", R"("/srv/a" is not a program, nor a file at all)"},
    {R"("php": {"ini": {"a": ^"${b}"}})", R"("a" must not hold '"', '\' or '$')",
     "php.ini has meanings of its own for these"},
    {R"("php": {"ini": {^"a b": "c"}})", R"("a b" is not the name of a setting of php.ini)"},
    {R"("php": {"extensions": [^".php"]})", R"(".php" is not an extension)",
     R"(an extension is in lower case and without its dot: "php")"},
    {R"("php": {"extensions": ^[]})", R"("extensions" must name at least one)"},
    {R"("php": {"environment": {^"A=B": "c"}})", R"("A=B" is not the name of a variable)"},
    {R"("cgi": {"directories": [^"cgi-bin"]})", R"("cgi-bin" is not a path within a site)",
     R"(it begins with '/', is not percent-encoded, and has no empty part, "." or ".." in it)"},
    {R"("cgi": {"directories": [^"/"]})", "the site as a whole is no folder of scripts",
     R"(name a folder in it, as "/cgi-bin", or "extensions")"},
    {R"("fastcgi": ^{})", R"("fastcgi" needs either a "command" or a "socket")"},
    {R"("fastcgi": {"socket": ^"x"})", R"("socket" must be an absolute path)",
     "an absolute path begins with '/'"},
    {R"("app": ^{})", R"("app" needs a "command")",
     R"(for example { "command": ["/usr/bin/node", "/home/alice/app.js"] })"},
    {R"("app": {"command": ^[]})", R"("command" must name a program)",
     R"(for example ["/usr/bin/node", "/home/alice/app.js"])"},
    {R"("app": {"command": [^"/srv/a/app"]})", R"("/srv/a/app" cannot be executed by anybody)",
     "chmod +x"},
    {R"("proxy": ^{})", R"("proxy" needs "to")",
     R"(for example "http://127.0.0.1:3000" or "unix:/run/alice/app.sock")"},
    {R"("proxy": {"to": ^"file:///srv/b/wp-config.php"})",
     R"("file:///srv/b/wp-config.php" is not where a request can be sent on to)",
     R"(for example "http://127.0.0.1:3000" or "unix:/run/alice/app.sock")"},
    {R"("proxy": {"to": ^"http://127.0.0.1"})",
     R"("http://127.0.0.1" is not where a request can be sent on to)",
     R"(for example "http://127.0.0.1:3000" or "unix:/run/alice/app.sock")"},
    {R"("proxy": {"to": ^"http://127.0.0.1:65536"})",
     R"("http://127.0.0.1:65536" is not where a request can be sent on to)",
     R"(for example "http://127.0.0.1:3000" or "unix:/run/alice/app.sock")"},
    {R"("proxy": {"to": ^"http://10.0.0.1:80"})",
     R"("10.0.0.1" is not an address of this machine's own)",
     "what other machines serve is theirs: loopback addresses only"},
    {R"("proxy": {"to": ^"http://127.0.0.1.evil.example:80"})",
     R"("127.0.0.1.evil.example" is not an address of this machine's own)",
     "what other machines serve is theirs: loopback addresses only"},
    {R"("locations": [^{"prefix": "/a", "app": {"command": ["/usr/bin/x"]},
     "proxy": {"to": "unix:/a"}}])",
     R"(only one of "app", "proxy" and "fastcgi" can answer for every path)",
     "give each a location of its own"},
};
INSTANTIATE_TEST_SUITE_P(Programs, ProgramMistake, testing::ValuesIn(cases));

}  // namespace
}  // namespace perchild::test::configuration_programs_test
