// Applications that are known by name: what rules a vhost gets, and which of its own go first.
#include "policy/configuration_presets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"

namespace perchild::test::configuration_presets_test {
namespace {

ReadConfiguration read(const std::string& vhost, const std::string& defaults = "{}") {
  FakeSystem system;
  FakeFiles files;
  files.texts["perchild.json"] = R"({"listen": [{"address": "*:80"}], "id_range": [1000, 59999],
    "defaults": )" + defaults + R"(, "vhosts": [
{"hosts": ["a.example"], "user": "alice", "root": "/srv/a", )" +
                                 vhost + "}]}";
  return read_configuration("perchild.json", files, system);
}

Site site_of(const std::string& vhost, const std::string& defaults = "{}") {
  const ReadConfiguration got = read(vhost, defaults);
  std::string told;
  for (const Mistake& mistake : got.mistakes) told += format_mistake(mistake);
  EXPECT_EQ(told, "");
  return got.configuration.value().sites[0];
}

const Location* location_of(const Site& site, std::string_view match) {
  const auto found = std::find_if(site.content.locations.begin(), site.content.locations.end(),
                                  [&](const Location& one) { return one.match == match; });
  return found == site.content.locations.end() ? nullptr : &*found;
}

TEST(ConfigurationPresets, EachNameIsAVhostWithPhp) {
  for (const std::string name :
       {"wordpress", "drupal", "dokuwiki", "mediawiki", "laravel", "front-controller"}) {
    const Site site = site_of(R"("app": ")" + name + "\"");
    ASSERT_EQ(site.programs.size(), 1u) << name;
    EXPECT_EQ(site.programs[0].name, "php");
    ASSERT_EQ(site.content.settings.handlers.size(), 1u) << name;
    EXPECT_EQ(site.content.settings.handlers[0].program, 0u);
    EXPECT_TRUE(site.content.settings.try_paths || site.content.settings.rewrite) << name;
  }
}

TEST(ConfigurationPresets, TakeUploadsUnlessALimitIsGiven) {
  const std::string app = R"("app": "wordpress")";
  EXPECT_EQ(site_of(app).limits.body, 64U << 20);
  const std::vector<std::string> command = site_of(app).programs[0].command;
  EXPECT_NE(std::find(command.begin(), command.end(), "upload_max_filesize=64M"), command.end());
  EXPECT_EQ(site_of(app + R"(, "limits": {"queue": 7})").limits.body, 64U << 20);
  EXPECT_EQ(site_of(app + R"(, "limits": {"body": "2M"})").limits.body, 2U << 20);
  EXPECT_EQ(site_of(app, R"({"limits": {"body": "1M"}})").limits.body, 1U << 20);
}

TEST(ConfigurationPresets, WordPressRunsNoUploads) {
  const Site site = site_of(R"("app": "wordpress")");
  ASSERT_TRUE(site.content.settings.try_paths);
  EXPECT_EQ(site.content.settings.try_paths->paths,
            (std::vector<std::string>{"{path}", "{path}/"}));
  EXPECT_EQ(site.content.settings.try_paths->fallback, "/index.php");
  const Location* const uploads = location_of(site, "/wp-content/uploads");
  ASSERT_NE(uploads, nullptr);
  ASSERT_EQ(uploads->settings.handlers.size(), 1u);
  EXPECT_EQ(uploads->settings.handlers[0].topic, "php");
  EXPECT_FALSE(uploads->settings.handlers[0].program);
}

TEST(ConfigurationPresets, WhatTheVhostSaysGoesFirst) {
  const Site site = site_of(R"("app": "wordpress", "php": {"max_processes": 9},
    "try": ["{path}", "/other.php"], "locations": [
      {"prefix": "/own", "php": false},
      {"prefix": "/wp-content/uploads", "listing": true}])");
  ASSERT_EQ(site.programs.size(), 1u);
  EXPECT_EQ(site.programs[0].most_processes, 9u);
  EXPECT_EQ(site.content.settings.try_paths->fallback, "/other.php");
  EXPECT_EQ(site.content.locations.size(), 2u);
  const Location* const uploads = location_of(site, "/wp-content/uploads");
  ASSERT_NE(uploads, nullptr);
  EXPECT_EQ(uploads->settings.listing, true);
  EXPECT_EQ(uploads->settings.handlers.size(), 1u) << "the rest of it stays";
}

TEST(ConfigurationPresets, ItGoesBeforeWhatIsInherited) {
  const std::string defaults =
      R"({"php": {"max_processes": 7}, "try": ["{path}", 410], "listing": true})";
  const Site site = site_of(R"("app": "wordpress")", defaults);
  EXPECT_EQ(site.programs.at(0).most_processes, 7u) << "PHP has been spoken of";
  EXPECT_EQ(site.programs.size(), 1u);
  EXPECT_EQ(site.content.settings.try_paths->fallback, "/index.php");
  EXPECT_EQ(site.content.settings.listing, true);
}

TEST(ConfigurationPresets, PhpCanBeSwitchedOff) {
  EXPECT_TRUE(site_of(R"("app": "wordpress", "php": false)").programs.empty());
}

TEST(ConfigurationPresets, FoldersOfDokuWikiAreClosed) {
  const Site site = site_of(R"("app": "dokuwiki")");
  for (const std::string_view folder : {"/data", "/conf", "/bin", "/inc", "/vendor"}) {
    const Location* const location = location_of(site, folder);
    ASSERT_NE(location, nullptr) << folder;
    EXPECT_TRUE(location->settings.access.addresses) << folder;
  }
}

std::vector<std::string> folders_of(const std::string& app, const std::string& root,
                                    const std::map<std::string, Uid>& owned) {
  FakeSystem system;
  FakeFiles files;
  system.owned_folders = owned;
  files.texts["perchild.json"] =
      R"({"listen": [{"address": "*:80"}], "id_range": [1000, 59999], "vhosts": [
{"hosts": ["a.example"], "user": "alice", "root": ")" +
      root + R"(", "app": )" + app + R"(, "writable_folders": ["/srv/x"]}]})";
  const ReadConfiguration got = read_configuration("perchild.json", files, system);
  return got.configuration.value().sites[0].writable_folders;
}

TEST(ConfigurationPresets, AProjectIsItsProgramsIfItIsAllItsUsersOwn) {
  const Uid alice{1001};
  const Uid other{1002};
  const std::map<std::string, Uid> own{{"/srv/a", alice}, {"/srv/a/vendor", alice}};
  const std::vector<std::string> alone{"/srv/x"};
  const std::vector<std::string> both{"/srv/x", "/srv/a"};
  EXPECT_EQ(folders_of(R"("laravel")", "/srv/a/public", own), both);
  EXPECT_EQ(folders_of(R"("front-controller")", "/srv/a/public", own), both);
  EXPECT_EQ(folders_of(R"("drupal")", "/srv/a/web", own), both);
  EXPECT_EQ(folders_of(R"("drupal")", "/srv/a/docroot", own), both);

  EXPECT_EQ(folders_of(R"("drupal")", "/srv/a/public", own), alone);
  EXPECT_EQ(folders_of(R"("laravel")", "/srv/a/www", own), alone);
  EXPECT_EQ(folders_of(R"("laravel")", "/srv/public", own), alone);
  EXPECT_EQ(folders_of(R"("laravel")", "/public", {{"", alice}, {"/vendor", alice}}), alone);
  EXPECT_EQ(folders_of(R"("wordpress")", "/srv/a/public", own), alone);
  EXPECT_EQ(folders_of(R"({"command": ["/usr/bin/x"]})", "/srv/a/public", own), alone);
  EXPECT_EQ(folders_of(R"("laravel")", "/srv/a/public", {{"/srv/a", alice}}), alone);
  EXPECT_EQ(
      folders_of(R"("laravel")", "/srv/a/public", {{"/srv/a", other}, {"/srv/a/vendor", alice}}),
      alone);
  EXPECT_EQ(
      folders_of(R"("laravel")", "/srv/a/public", {{"/srv/a", alice}, {"/srv/a/vendor", other}}),
      alone);
}

struct MistakenPreset {
  std::string vhost;
  std::string sentence;
  std::string hint;
};

TEST(ConfigurationPresets, MistakesAreSaid) {
  const MistakenPreset all[] = {
      {R"("app": "wordpres")", R"("wordpres" is no application that is known by name)",
       R"(did you mean "wordpress"?)"},
      {R"("locations": [{"prefix": "/blog", "app": "wordpress"}])",
       "the rules for an application are a vhost's, not a location's", "give it a vhost"},
  };
  for (const MistakenPreset& one : all) {
    const ReadConfiguration got = read(one.vhost);
    ASSERT_EQ(got.mistakes.size(), 1u) << one.vhost;
    const std::string told = format_mistake(got.mistakes[0]);
    EXPECT_NE(told.find(one.sentence), std::string::npos) << told;
    EXPECT_NE(told.find(one.hint), std::string::npos) << told;
  }
  EXPECT_NE(format_mistake(read(R"("app": "x")").mistakes.at(0)).find("there are wordpress"),
            std::string::npos);
}

}  // namespace
}  // namespace perchild::test::configuration_presets_test
