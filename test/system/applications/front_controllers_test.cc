// Permalinks of applications with one script that answers for every path which is no file. Laravel
// is Debian's own. Drupal has no package: what stands in for it is the kernel that it is built on,
// Symfony's, and the files that its .htaccess speaks of.
#include <gtest/gtest.h>

#include "test/system/applications/browser.h"
#include "test/system/requests.h"

namespace perchild::test::front_controllers_test {
namespace {

constexpr const char* laravel = R"(<?php
use Illuminate\Contracts\Http\Kernel;
require '/usr/share/php/Illuminate/autoload.php';
$app = new Illuminate\Foundation\Application(dirname(__DIR__));
class WebKernel extends Illuminate\Foundation\Http\Kernel { protected $bootstrappers = []; }
$app->instance('config', new Illuminate\Config\Repository(['app' => ['debug' => true]]));
$app->singleton(Kernel::class, WebKernel::class);
$app['router']->get('/', fn () => 'home');
$app['router']->get('/posts/{slug}', fn ($slug) =>
  "post $slug, page " . request()->query('page') . ', next is ' . url('/posts/next'));
$app['router']->post('/posts', fn () => redirect('/posts/' . request('title')));
$app['router']->get('/wiki/{page}', fn ($page) => "page $page")->where('page', '.*');
$app['router']->fallback(fn () => new Illuminate\Http\Response('no such page', 404));
$app->make(Kernel::class)->handle(Illuminate\Http\Request::capture())->send();
)";

TEST(Laravel, ARouteIsAPath) {
  const Server server({.sites = {{"a.example",
                                  {{"index.php", laravel}, {"css/app.css", "a{}"}},
                                  R"(, "app": "laravel")"}}});
  const Browser browser("a.example", server.port());
  EXPECT_EQ(browser.get("/").body, "home") << server.error_log(0);
  const std::string next = ", next is " + browser.origin() + "/posts/next";
  EXPECT_EQ(browser.get("/posts/first-one?page=2").body, "post first-one, page 2" + next);
  EXPECT_EQ(browser.get("/posts/a%20b").body, "post a b, page " + next);
  EXPECT_EQ(browser.get("/wiki/AC%2FDC").body, "page AC/DC");
  const Page posted = browser.post("/posts", {"title=new"});
  EXPECT_EQ(posted.status, 302);
  EXPECT_EQ(posted.location, browser.origin() + "/posts/new");
  EXPECT_EQ(browser.get("/css/app.css").body, "a{}");
  const Page none = browser.get("/nowhere/at/all");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.body, "no such page");
}

// Symfony's router matches what it has decoded, other applications' match what was sent.
TEST(FrontController, GetsAPathWithAnEncodedSlashAsItWasSentWhereBothReadingsAreLetIn) {
  const Server server({.sites = {{"a.example",
                                  {{"index.php",
                                    "<?php echo $_SERVER['REQUEST_URI'], ' by ',"
                                    "$_SERVER['SCRIPT_NAME'], $_SERVER['PATH_INFO'] ?? '';"},
                                   {"items/foo/bar", "a file"},
                                   {"x.php", "<?php echo 'run';"},
                                   {"wp-content/uploads/x.php", "<?php echo 'run';"}},
                                  R"(, "app": "wordpress", "deny": ["secret*"], "locations": [
                     {"prefix": "/admin", "access": {"deny": ["all"]}},
                     {"prefix": "/members", "access": {"deny": ["all"]}},
                     {"prefix": "/members/open", "access": {"allow": ["all"]}},
                     {"pattern": "^/one/[^/]+$", "access": {"deny": ["all"]}}])"}}});
  const auto answer = [&](const char* target) {
    const HttpResponse response = get(server.port(), "a.example", target);
    return response.status == 200 ? response.body : std::to_string(response.status);
  };
  for (const char* sent :
       {"/wiki/AC%2FDC", "/items/foo%2Fbar?a=%2F", "/items%2ffoo/bar", "/x.php%2Fy", "/%2Fx.php",
        "/wp-content%2Fuploads%2Fx.jpg", "/%2Findex.php", "/members/open/a%2Fb", "/a%2F%2Fb"}) {
    EXPECT_EQ(answer(sent), std::string(sent) + " by /index.php") << server.error_log(0);
  }
  EXPECT_EQ(answer("/members/open/a"), "/members/open/a by /index.php");
  for (const char* by_separator : {"/admin%2Fx", "/%2Fadmin/", "/%2fadmin", "/admin%2F%2Fx"}) {
    EXPECT_EQ(answer(by_separator), "403") << by_separator;
  }
  // "/open%2Fx" of the members, and one page whose name has a slash.
  for (const char* by_name : {"/members/open%2Fx", "/one/a%2Fb"}) {
    EXPECT_EQ(answer(by_name), "403") << by_name;
  }
  for (const char* never : {"/admin%2F..%2Fx", "/x/..%2Fadmin", "/admin/%2e%2e%2Fx", "/x%2F.env",
                            "/x%2Fsecret.txt", "/wp-content%2Fuploads%2Fx.php"}) {
    EXPECT_EQ(answer(never), "404") << never;
  }
}

// MediaWiki's is told by a rewrite.
TEST(FrontController, OfARewriteIsToldThePathWithASlash) {
  const Server server({.sites = {{"a.example",
                                  {{"w/index.php", "<?php echo $_GET['title'] ?? 'none';"},
                                   {"w/vendor/x.txt", "text"}},
                                  R"(, "app": "mediawiki")"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/wiki/AC%2FDC").body, "AC/DC") << server.error_log(0);
  EXPECT_EQ(get(server.port(), "a.example", "/w%2Fvendor/x.txt").status, 403);
  EXPECT_EQ(get(server.port(), "a.example", "/w%2Findex.php").status, 404);
}

// As `composer create-project` lays one out: what its scripts need lies beside the docroot.
constexpr const char* project = R"(<?php
require __DIR__ . '/../vendor/autoload.php';
file_put_contents(__DIR__ . '/../storage/logs/app.log', "asked\n");
echo app() . ' at ' . $_SERVER['REQUEST_URI'];
)";

TEST(Laravel, AProjectsCodeLiesBesideItsDocroot) {
  Server server({.sites = {{"a.example",
                            {{"public/index.php", project},
                             {"public/other.php", "<?php echo 'run';"},
                             {"public/x/other.php", "<?php echo 'run';"},
                             {"vendor/autoload.php", "<?php function app() { return 'app'; }"},
                             {"storage/logs/.gitignore", "*"},
                             {".env", "APP_KEY=secret"}},
                            R"(, "app": "laravel")",
                            {},
                            "/public"}}});
  const Browser browser("a.example", server.port());
  EXPECT_EQ(browser.get("/posts/1").body, "app at /posts/1") << server.error_log(0);
  EXPECT_EQ(read_file(server.docroot(0) + "/storage/logs/app.log"), "asked\n");
  EXPECT_EQ(browser.get("/route.php").body, "app at /route.php");
  EXPECT_EQ(browser.get("/index.php/x").body, "app at /index.php/x");
  for (const char* other : {"/other.php", "/x/other.php", "/other.php/x", "/.env", "/../.env"}) {
    const std::string body = browser.get(other).body;
    EXPECT_EQ(body.find("run"), std::string::npos) << other;
    EXPECT_EQ(body.find("secret"), std::string::npos) << other;
  }
  const std::string told = run_command({bin_directory() + "/perchild", "explain", "--config",
                                        server.configuration(), browser.origin() + "/"})
                               .output;
  EXPECT_TRUE(contains(told, "  writable: " + server.docroot(0) + "\n")) << told;
}

constexpr const char* drupal = R"(<?php
use Symfony\Component\HttpFoundation\{Request, Response};
require '/usr/share/php/Symfony/Component/HttpFoundation/autoload.php';
$request = Request::createFromGlobals();
(new Response("path {$request->getPathInfo()} of '{$request->getBasePath()}', page "
  . $request->query->get('page')))->prepare($request)->send();
)";
constexpr const char* script = "<?php echo 'run';";

class Drupal : public ::testing::Test {
 protected:
  Drupal()
      : server_({.sites = {{"a.example",
                            {{"index.php", drupal},
                             {"update.php", script},
                             {"core/install.php", script},
                             {"core/modules/statistics/statistics.php", script},
                             {"core/lib/x.php", script},
                             {"modules/x/x.php", script},
                             {"autoload.php", script},
                             {"vendor/x/x.php", script},
                             {"vendor/x/x.txt", "text"},
                             {"sites/default/settings.php", script},
                             {"sites/default/files/x.php", script},
                             {"sites/default/files/x.txt", "text"},
                             {"sites/default/private/x.txt", "text"},
                             {"sites/a.example/private/x.php", script},
                             {"core/misc/x.js", "text"},
                             {"robots.txt", "text"}},
                            R"(, "app": "drupal")"}}}),
        browser_("a.example", server_.port()) {}

  Server server_;
  const Browser browser_;
};

TEST_F(Drupal, AnAliasIsAPath) {
  EXPECT_EQ(browser_.get("/").body, "path / of '', page ") << server_.error_log(0);
  EXPECT_EQ(browser_.get("/node/1?page=2").body, "path /node/1 of '', page 2");
  EXPECT_EQ(browser_.get("/a/long/alias").body, "path /a/long/alias of '', page ");
  EXPECT_EQ(browser_.get("/index.php/node/1").body, "path /node/1 of '', page ");
  for (const char* file : {"/core/misc/x.js", "/robots.txt", "/sites/default/files/x.txt"}) {
    EXPECT_EQ(browser_.get(file).body, "text") << file;
  }
}

TEST_F(Drupal, RunsItsEntryPointsAndNoOtherScript) {
  for (const char* entry :
       {"/update.php", "/core/install.php", "/core/modules/statistics/statistics.php"}) {
    EXPECT_EQ(browser_.get(entry).body, "run") << entry;
  }
  for (const char* other :
       {"/core/lib/x.php", "/modules/x/x.php", "/autoload.php", "/vendor/x/x.php",
        "/sites/default/settings.php", "/sites/default/files/x.php", "/modules/x/x.php/more"}) {
    const Page page = browser_.get(other);
    EXPECT_TRUE(page.status == 403 || page.status == 404) << other << ": " << page.status;
    EXPECT_EQ(page.body.find("run"), std::string::npos) << other;
  }
}

TEST_F(Drupal, ShowsNoSource) {
  for (const char* folder :
       {"/sites/default/private/x.txt", "/sites/a.example/private/x.php", "/vendor/x/x.txt"}) {
    EXPECT_EQ(browser_.get(folder).status, 403) << folder;
  }
  for (const char* name :
       {"x.engine",         "x.inc",         "x.install",     "x.make",        "x.module",
        "x.profile",        "x.po",          "x.sh",          "x.sql",         "x.theme",
        "x.twig",           "x.tpl.php",     "x.xtmpl",       "x.yml",         "x.module~",
        "x.inc.bak",        "x.yml.orig",    "x.theme.save",  "x.install.swp", "x.php~",
        "settings.php.bak", "composer.json", "composer.lock", "web.config",    "yarn.lock",
        "package.json",     "Entries.x",     "Repository",    "Root",          "Tag",
        "Template",         ".htaccess",     ".git/config",   "#x.module#"}) {
    server_.add_file(0, std::string("core/") + name, "hidden");
    std::string target = std::string("/core/") + name;
    if (const auto hash = target.find('#'); hash != std::string::npos) {
      target = "/core/%23x.module%23";
    }
    EXPECT_EQ(browser_.get(target).body.find("hidden"), std::string::npos) << name;
  }
}

TEST(DrupalOfComposer, HasItsCodeBesideItsDocroot) {
  const Server server({.sites = {{"a.example",
                                  {{"web/index.php", "<?php require '../vendor/autoload.php';"},
                                   {"vendor/autoload.php", "<?php echo 'loaded';"}},
                                  R"(, "app": "drupal")",
                                  {},
                                  "/web"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/node/1").body, "loaded") << server.error_log(0);
}

}  // namespace
}  // namespace perchild::test::front_controllers_test
