// `perchild check` on files of a real machine, and configurations of many files and of many sites.
#include "daemon/command/check/check.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/command/check/system_view.h"
#include "policy/json_tree.h"
#include "test/policy/configuration_fakes.h"
#include "test/policy/temporary_folder.h"
#include "test/support/processor_time.h"

namespace perchild::test::check_test {
namespace {

constexpr std::string_view head = R"({ "listen": [{ "address": "127.0.0.1:8080" }],
  "id_range": [20000, 59999],
  "service_ids": { "master": { "uid": 19001, "gid": 19001 },
                   "router": { "uid": 19002, "gid": 19002 } },
)";

std::string vhost(const std::string& name, unsigned uid) {
  return R"({ "hosts": [")" + name + R"(", "www.)" + name + R"("], "uid": )" + std::to_string(uid) +
         R"(, "root": "/" })";
}

struct Checked {
  int status;
  std::string text;
};
Checked check(const std::string& path, bool json = false) {
  std::ostringstream out;
  const int status = run_check(path, json, out);
  return {status, out.str()};
}

TEST(Check, AGoodConfigurationIs0) {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "p.json", std::string(head) + R"("vhosts": [)" + vhost("a.example", 20001) + "] }");
  const Checked checked = check(path);
  EXPECT_EQ(checked.status, exit_good) << checked.text;
  EXPECT_TRUE(checked.text.ends_with(path + ": good: 1 vhost, 1 address\n")) << checked.text;
}

TEST(Check, WarningsDoNotMakeItBad) {
  const TemporaryFolder folder;
  const auto path = folder.write("p.json", std::string(head) + R"("vhosts": [)" +
                                               vhost("a", 20001) + "," + vhost("b", 20001) + "] }");
  const Checked checked = check(path);
  EXPECT_EQ(checked.status, exit_good) << checked.text;
  EXPECT_TRUE(checked.text.ends_with(": good: 2 vhosts, 1 address, 1 warning\n")) << checked.text;
}

TEST(Check, MistakesAre1) {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "p.json", std::string(head) + R"("vhosts": [)" + vhost("a", 0) + "," + vhost("b", 0) + "] }");
  const Checked checked = check(path);
  EXPECT_EQ(checked.status, exit_mistakes);
  EXPECT_TRUE(checked.text.starts_with(path + ":5:46: error: a site cannot run as root (uid 0)\n"))
      << checked.text;
  EXPECT_NE(checked.text.find("\n       at /vhosts/0/uid\n"), std::string::npos) << checked.text;
  EXPECT_TRUE(checked.text.ends_with(path + ": 2 errors\n")) << checked.text;
}

TEST(Check, WhatCannotBeReadIs2) {
  const TemporaryFolder folder;
  const Checked checked = check(folder.path("none"));
  EXPECT_EQ(checked.status, exit_unreadable);
  EXPECT_EQ(checked.text, folder.path("none") + ": cannot be read: No such file or directory\n");
  EXPECT_EQ(check(folder.path()).status, exit_unreadable);
}

TEST(Check, AConfigurationThatOthersMayWriteIsNotUsed) {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "p.json", std::string(head) + R"("vhosts": [)" + vhost("a", 20001) + "] }", 0666);
  const Checked checked = check(path);
  EXPECT_EQ(checked.status, exit_mistakes);
  EXPECT_NE(checked.text.find(path + ": error: the configuration may be written by others"),
            std::string::npos)
      << checked.text;
}

TEST(Check, AsJsonIsOneDocument) {
  const TemporaryFolder folder;
  const auto good = folder.write(
      "good.json", std::string(head) + R"("vhosts": [)" + vhost("a.example", 20001) + "] }");
  const auto bad = folder.write("bad.json", "{ \"listen\": 1,\n }");
  for (const auto& path : {good, bad, folder.path("none")}) {
    const Checked checked = check(path, true);
    std::vector<Mistake> mistakes;
    const auto document = JsonDocument::parse("json", checked.text, mistakes);
    ASSERT_TRUE(document) << checked.text;
    EXPECT_EQ(document->root().find("good")->text(), path == good ? "true" : "false");
    EXPECT_EQ(document->root().find("unreadable").has_value(), checked.status == exit_unreadable);
    EXPECT_EQ(document->root().find("errors")->text() != "0", path == bad);
    EXPECT_FALSE(path == bad && document->root().find("mistakes")->empty());
  }
}

TEST(Include, AFileHoldsOneVhostOrAnArrayOrAnObjectWithThem) {
  const TemporaryFolder folder;
  folder.make_folder("v.d");
  folder.write("v.d/1.json", vhost("a.example", 20001));
  folder.write("v.d/2.json", "[" + vhost("b.example", 20002) + "," + vhost("c", 20003) + "]");
  folder.write("v.d/3.json", R"({ "vhosts": [)" + vhost("d.example", 20004) + "] }");
  const auto path =
      folder.write("p.json", std::string(head) + R"("vhosts": [)" + vhost("e.example", 20005) +
                                 R"(], "include": ["v.d/*.json", "v.d/1.json", "x.d/*.json"] })");
  FakeSystem system;
  const auto read = load_configuration(path, system);
  ASSERT_TRUE(read.configuration);
  std::string names;
  for (const Site& site : read.configuration->sites) names += site.hosts[0].name.view()[0];
  EXPECT_EQ(names, "eabcd") << "each file once, in the order of the names";
}

TEST(Include, AMistakeNamesTheFileThatItIsIn) {
  const TemporaryFolder folder;
  const auto first = folder.write("1.json", vhost("a.example", 20001));
  const auto second = folder.write("2.json", "\n" + vhost("a.example", 20002));
  const auto third = folder.write("3.json", R"({ "vhosts": [], "listen": [] })");
  const auto fourth = folder.write("4.json", "{ \"hosts\": ");
  const auto path = folder.write("p.conf", std::string(head) + R"("include": ["*.json"] })");
  FakeSystem system;
  const auto read = load_configuration(path, system);
  EXPECT_FALSE(read.configuration);
  std::string all;
  for (const Mistake& mistake : read.mistakes) {
    all += mistake.file + ":" + std::to_string(mistake.line) + ":" +
           std::to_string(mistake.column) + ": " + mistake.sentence + "\n";
  }
  EXPECT_EQ(all,
            second + ":2:13: the host \"a.example\" belongs to another vhost, first at " + first +
                ":1:13\n" +  //
                second + ":2:26: the host \"www.a.example\" belongs to another vhost, first at " +
                first + ":1:26\n" +  //
                third + ":1:17: an included file has no key \"listen\"\n" + fourth +
                ":1:11: the file ends here, but the '{' at 1:1 is still open\n");
}

TEST(Include, AnIncludedFileThatOthersMayWriteIsNotUsed) {
  const TemporaryFolder folder;
  folder.write("1.json", vhost("a.example", 20001), 0646);
  const auto path = folder.write("p.conf", std::string(head) + R"("include": ["1.json"] })");
  FakeSystem system;
  const auto read = load_configuration(path, system);
  EXPECT_FALSE(read.configuration);
  ASSERT_EQ(read.mistakes.size(), 1U);
  EXPECT_EQ(read.mistakes[0].file, folder.path("1.json"));
}

TEST(Include, WhatCannotBeReadIsToldWhereItIsNamed) {
  const TemporaryFolder folder;
  folder.make_folder("d.json");
  const auto path = folder.write("p.conf", std::string(head) + R"("include": ["*.json"],
  "vhosts": [)" + vhost("a", 20001) + "] }");
  FakeSystem system;
  const auto read = load_configuration(path, system);
  ASSERT_EQ(read.mistakes.size(), 1U);
  EXPECT_EQ(read.mistakes[0].line, 5U);
  EXPECT_EQ(read.mistakes[0].sentence,
            "cannot read \"" + folder.path("d.json") + "\": it is not a regular file");
}

std::string many_sites(unsigned count, char separator, bool one_uid) {
  std::string text(head);
  text += R"("vhosts": [)";
  for (unsigned i = 0; i < count; ++i) {
    if (i != 0) text += std::string(",") + separator;
    text += vhost("s" + std::to_string(i) + ".example", one_uid ? 20001 : 20000 + i % 39'999);
  }
  return text + "] }";
}

std::chrono::duration<double> time_of(const std::string& text, bool good) {
  FakeFiles files;
  files.texts["p.json"] = text;
  FakeSystem system;
  const auto begin = processor_time();
  const auto read = read_configuration("p.json", files, system);
  const auto time = processor_time() - begin;
  EXPECT_EQ(read.configuration.has_value(), good);
  return time;
}

TEST(Check, TenThousandSitesOnOneLineOrOnManyLoadQuickly) {
  const TemporaryFolder folder;
  for (const char separator : {' ', '\n'}) {
    const auto path = folder.write("p.json", many_sites(10'000, separator, false));
    MachineView system;
    const auto begin = processor_time();
    const auto read = load_configuration(path, system);
    EXPECT_LT(processor_time() - begin, std::chrono::seconds(10)) << "sanitizers";
    ASSERT_TRUE(read.configuration);
    EXPECT_EQ(read.configuration->sites.size(), 10'000U);
  }
}

TEST(Check, TimeGrowsWithTheNumberOfSitesNotItsSquare) {
  const auto small = time_of(many_sites(4'000, ' ', true), true);
  const auto large = time_of(many_sites(32'000, ' ', true), true);
  EXPECT_LT(large.count(), small.count() * 8 * 3 + 0.2);
}

TEST(Check, NoMoreMistakesAreToldThanAnybodyReads) {
  FakeFiles files;
  files.texts["p.json"] = many_sites(15'000, ' ', true);
  FakeSystem system;
  const auto read = read_configuration("p.json", files, system);
  EXPECT_TRUE(read.configuration) << "warnings only";
  ASSERT_EQ(read.mistakes.size(), max_mistakes + 1);
  EXPECT_EQ(read.mistakes.back().sentence,
            "there are 0 errors and 4999 warnings more than are told here");
}

TEST(Check, AnErrorBehindTooManyWarningsStillCounts) {
  std::string text = many_sites(15'000, ' ', true);
  text.replace(text.rfind("20001"), 5, "    0");
  FakeFiles files;
  files.texts["p.json"] = text;
  FakeSystem system;
  const auto read = read_configuration("p.json", files, system);
  EXPECT_FALSE(read.configuration);
  EXPECT_EQ(read.mistakes.back().severity, Severity::error);
}

}  // namespace
}  // namespace perchild::test::check_test
