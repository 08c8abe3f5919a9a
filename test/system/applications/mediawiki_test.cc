// MediaWiki: installed by its own script, its pages at paths without a script's name.
#include "test/system/applications/browser.h"
#include "test/system/applications/database.h"
#include "test/system/applications/installed.h"
#include "test/system/requests.h"

namespace perchild::test::mediawiki_test {
namespace {

// Without what it is not asked for here: extensions, and most languages.
void copy_wiki(const Server& server) {
  const std::string copy =
      "mkdir \"$0\" && tar -C /usr/share/mediawiki -ch --exclude='./extensions*' "
      "--exclude='*/i18n/[a-df-pr-z]*.json' --exclude=./LocalSettings.php --exclude=./cache . | "
      "tar -C \"$0\" -x && mkdir \"$0/cache\" \"$0/extensions\"";
  const CommandEnd end = run_command({"sh", "-c", copy, server.docroot(0) + "/w"});
  EXPECT_EQ(end.status, 0) << end.output;
  give_to_site(server, 0);
}

void run_installer(const Server& server, const Browser& browser, const Database& database) {
  const std::string wiki = server.docroot(0) + "/w";
  const CommandEnd end =
      run_command({"/usr/bin/php", wiki + "/maintenance/install.php", "--dbtype=mysql",
                   "--dbname=wiki", "--dbserver=localhost:" + database.socket(), "--dbuser=alice",
                   "--dbpass=x", "--scriptpath=/w", "--server=" + browser.origin(),
                   "--pass=correct-horse-wiki", "A wiki", "Alice"},
                  uid_a);
  EXPECT_EQ(end.status, 0) << end.output;
  // A short path for each page, as its manual has it.
  const std::string settings = wiki + "/LocalSettings.php";
  write_file(settings, read_file(settings) +
                           "\n$wgArticlePath = '/wiki/$1';\n$wgCacheDirectory = \"$IP/cache\";\n");
  give_to_site(server, 0);
}

TEST(MediaWiki, APageIsWrittenAndRead) {
  const Database database({"wiki"});
  Server server({.sites = {{"a.example", {}, R"(, "app": "mediawiki")"}}});
  copy_wiki(server);
  const Browser browser("a.example", server.port());
  run_installer(server, browser, database);

  const Page main = browser.get("/wiki/Main_Page");
  EXPECT_EQ(main.status, 200) << main.body;
  EXPECT_TRUE(contains(main.body, "MediaWiki has been installed.")) << main.body;
  for (const char* root : {"/", "/wiki", "/wiki/"}) {
    const Page led = browser.get(root);
    EXPECT_EQ(led.status, 301) << root << led.body;
    EXPECT_EQ(led.location, browser.origin() + "/wiki/Main_Page") << root;
  }
  const Page saved =
      browser.post("/w/api.php", {"action=edit", "title=Notes/First & last",
                                  "text=Kept in '''tables'''.", "token=+\\", "format=json"});
  EXPECT_TRUE(contains(saved.body, R"("result":"Success")")) << saved.body;
  const Page page = browser.get("/wiki/Notes/First_%26_last");
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, "Kept in <b>tables</b>.")) << page.body;
  EXPECT_EQ(browser.get("/wiki/There_is_none").status, 404);
  const std::string style = between(page.body, R"(<link rel="stylesheet" href=")", "\"");
  EXPECT_TRUE(contains(style, "/w/load.php?")) << page.body;

  for (const char* hidden : {"/w/includes/Setup.php", "/w/maintenance/install.php",
                             "/w/vendor/autoload.php", "/w/languages/messages/MessagesDe.php"}) {
    EXPECT_EQ(browser.get(hidden).status, 403) << hidden;
  }
  server.add_file(0, "w/images/x.php", "<?php echo 'run';");
  EXPECT_EQ(browser.get("/w/images/x.php").status, 404);
  EXPECT_EQ(browser.get("/w/LocalSettings.php").body, "");
  EXPECT_FALSE(contains(server.error_log(0), "PHP Fatal")) << server.error_log(0);
}

}  // namespace
}  // namespace perchild::test::mediawiki_test
