// DokuWiki: pages in files of the site's user, paths without a script's name.
#include "test/system/applications/browser.h"
#include "test/system/applications/installed.h"
#include "test/system/requests.h"

namespace perchild::test::dokuwiki_test {
namespace {

constexpr const char* rules = R"(, "app": "dokuwiki")";

TEST(DokuWiki, APageIsWrittenAndRead) {
  Server server({.sites = {{"a.example", {}, rules}}});
  install(server, 0, "/usr/share/dokuwiki");
  install(server, 0, "/etc/dokuwiki", "conf");
  install(server, 0, "/var/lib/dokuwiki/data", "data");
  // The package's leads to its own configuration.
  server.add_file(0, "inc/preload.php", "<?php");
  server.add_file(0, "conf/local.php",
                  "<?php $conf['title'] = 'A wiki'; $conf['useacl'] = 0; $conf['userewrite'] = 1;"
                  " $conf['savedir'] = './data'; $conf['updatecheck'] = 0;");
  give_to_site(server, 0);
  const Browser browser("a.example", server.port());

  const Page start = browser.get("/start");
  EXPECT_EQ(start.status, 200);
  EXPECT_TRUE(contains(start.body, "<title>start [A wiki]</title>")) << start.body;
  const Page saved = browser.post(
      "/doku.php",
      {"id=notes:first", "rev=0", "date=", "prefix=.", "suffix=", "sectok=", "target=section",
       "wikitext====== First ======\nKept in **files**.\n", "do[save]=1"});
  EXPECT_EQ(saved.status, 302) << saved.body;
  const Page page = browser.get("/notes:first");
  EXPECT_TRUE(contains(page.body, "Kept in <strong>files</strong>.")) << page.body;
  EXPECT_TRUE(browser.get("/lib/exe/css.php").type.starts_with("text/css"));
  EXPECT_NE(read_file(server.docroot(0) + "/data/pages/notes/first.txt"), "");
  EXPECT_EQ(browser.get("/data/pages/notes/first.txt").status, 403);
  EXPECT_EQ(browser.get("/conf/local.php").status, 403);
}

}  // namespace
}  // namespace perchild::test::dokuwiki_test
