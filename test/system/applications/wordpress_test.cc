// Two WordPress sites of two users on one server: each is installed by its own installer and used,
// and neither gets at what the other keeps.
#include <map>

#include "test/system/applications/browser.h"
#include "test/system/applications/chromium.h"
#include "test/system/applications/database.h"
#include "test/system/applications/installed.h"
#include "test/system/applications/users_backend.h"
#include "test/system/requests.h"
#include "test/system/smtp_sink.h"

namespace perchild::test::wordpress_test {
namespace {

std::string rules(const SmtpSink& sink, const std::string& more = {}) {
  return R"(, "app": "wordpress", "cgi": true, "mail": {"smarthost": "127.0.0.1:)" +
         std::to_string(sink.port()) + "\"}" + more;
}

// Of either site: it sends on to both backends, whosever they are, and has a PHP that listens;
// those of pools are given their connections.
std::string programs_with(const UsersBackend& alices, const UsersBackend& bobs) {
  return R"(, "locations": [{"prefix": "/alices", "proxy": {"to": "unix:)" + alices.socket() +
         R"("}}, {"prefix": "/bobs", "proxy": {"to": "unix:)" + bobs.socket() +
         R"("}}, {"prefix": "/listening", "app": {"idle_timeout": "1m",
           "command": ["/usr/bin/php-cgi", "-b", "{socket}"]}}])";
}

std::string secret_of(const std::string& name) {
  return "the-secret-of-" + name;
}

std::string configuration_of(const std::string& name, const std::string& socket) {
  std::string text = "<?php\ndefine('DB_NAME', '" + name + "');\ndefine('DB_USER', '" + name +
                     "');\ndefine('DB_PASSWORD', '" + secret_of(name) +
                     "');\ndefine('DB_HOST', 'localhost:" + socket + "');\n";
  for (const std::string key : {"AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE"}) {
    text += "define('" + key + "_KEY', 'key of " + name + key + "');\ndefine('" + key +
            "_SALT', 'salt of " + name + key + "');\n";
  }
  return text +
         "define('DISABLE_WP_CRON', true);\ndefine('WP_HTTP_BLOCK_EXTERNAL', true);\n"
         "$table_prefix = 'wp_';\nif (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');\n"
         "require_once ABSPATH . 'wp-settings.php';\n";
}

// What the programs of a site can be made to do with a file, and what they see around them.
constexpr const char* spy = R"(<?php
// A program at `socket` is to run the spy beside `file`.
function ask($socket, $file) {
  $to = @stream_socket_client("unix://$socket", $error, $text, 2);
  if (!$to) return '';
  stream_set_timeout($to, 5);
  $record = fn($type, $content) => pack('CCnnxx', 1, $type, 1, strlen($content)) . $content;
  $variables = '';
  foreach (['REQUEST_METHOD' => 'GET', 'REDIRECT_STATUS' => '200', 'QUERY_STRING' => "by=read&file=$file",
            'SCRIPT_FILENAME' => dirname($file) . '/spy.php'] as $name => $value)
    $variables .= chr(strlen($name)) . pack('N', strlen($value) | 0x80000000) . $name . $value;
  fwrite($to, $record(1, pack('nCx5', 1, 0)) . $record(4, $variables) . $record(4, '') . $record(5, ''));
  return stream_get_contents($to);
}
$file = $_GET['file'] ?? '';
switch ($_GET['by']) {
  case 'read': echo @file_get_contents($file); break;
  case 'link': @symlink($file, __DIR__ . '/' . $_GET['name']);
               echo @file_get_contents(__DIR__ . '/' . $_GET['name']); break;
  case 'shell': echo shell_exec('cat ' . escapeshellarg($file) . ' 2>/dev/null'); break;
  case 'proc': foreach (glob('/proc/[0-9]*') as $process) {
                 echo @file_get_contents("$process/root$file"), fileowner($process), "\n";
               } break;
  case 'fastcgi': foreach (array_merge(['/dev/shm'], glob('/proc/[0-9]*/root/dev/shm')) as $folder) {
                    foreach (explode("\n", shell_exec("find $folder -type s ! -name mail 2>/dev/null")) as $socket)
                      if ($socket) echo $socket, ask($socket, $file), "\n";
                  } break;
  case 'leave': file_put_contents('/tmp/left', 'left by ' . $_GET['name']); // and tell
  case 'tmp': echo implode(' ', scandir('/tmp')), @file_get_contents('/tmp/left'); break;
  case 'shm': file_put_contents('/dev/shm/x', 'x'); echo implode(' ', scandir('/dev/shm')); break;
})";

void install_wordpress(Server& server, std::size_t site, const std::string& name,
                       const Database& database) {
  install(server, site, "/usr/share/wordpress");
  server.add_file(site, "wp-config.php", configuration_of(name, database.socket()));
  server.add_file(site, "spy.php", spy);
  server.add_file(site, "cgi-bin/show",
                  "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n"
                  "cat \"$QUERY_STRING\" 2>/dev/null\n");
  give_to_site(server, site);
  EXPECT_EQ(run_command({"chmod", "0700", server.docroot(site) + "/cgi-bin/show"}).status, 0);
}

void run_installer(const Browser& browser, const std::string& name) {
  const Page first = browser.get("/");
  EXPECT_EQ(first.status, 302) << first.body;
  EXPECT_EQ(first.location, browser.origin() + "/wp-admin/install.php");
  const Page done =
      browser.post("/wp-admin/install.php?step=2",
                   {"weblog_title=" + name + " writes", "user_name=" + name,
                    "admin_password=correct-horse", "admin_password2=correct-horse", "pw_weak=on",
                    "admin_email=" + name + "@example.com", "blog_public=0", "language="});
  EXPECT_EQ(done.status, 200);
  EXPECT_TRUE(contains(done.body, "Success!")) << done.body;
}

void sign_in(const Browser& browser, const std::string& name) {
  EXPECT_EQ(browser.get("/wp-login.php").status, 200);
  const Page page = browser.post(
      "/wp-login.php", {"log=" + name, "pwd=correct-horse", "wp-submit=x", "testcookie=1"});
  EXPECT_EQ(page.status, 302);
  EXPECT_EQ(page.location, browser.origin() + "/wp-admin/");
  EXPECT_TRUE(contains(browser.get("/wp-admin/").body, "Dashboard"));
}

void set_permalinks(const Browser& browser) {
  const std::string target = "/wp-admin/options-permalink.php";
  const std::string nonce = between(browser.get(target).body, R"(name="_wpnonce" value=")", "\"");
  EXPECT_NE(nonce, "");
  EXPECT_EQ(browser
                .post(target, {"_wpnonce=" + nonce, "selection=custom", "submit=x",
                               "permalink_structure=/%year%/%postname%/"})
                .status,
            302);
}

// Through the API, whose paths are found by "try" as those of posts are.
void write_post(const Browser& browser, const std::string& nonce) {
  const Page made =
      browser.post("/wp-json/wp/v2/posts",
                   {"title=Hello perchild", "content=Written over HTTP.", "status=publish"},
                   {"-H", "X-WP-Nonce: " + nonce});
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string link = unescaped(between(made.body, R"("link":")", "\""));
  EXPECT_TRUE(link.ends_with("/hello-perchild/")) << link;
  const Page page = browser.get(link);
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, "Written over HTTP.")) << page.body;
  EXPECT_EQ(browser.get("/2001/there-is-no-such-post/").status, 404);
}

void upload_picture(const Browser& browser, const std::string& nonce) {
  // One pixel.
  const std::string script =
      "printf iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
      "RU5ErkJggg== | base64 -d >\"$0\"";
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/pixel.png";
  EXPECT_EQ(run_command({"sh", "-c", script, file}).status, 0);
  const Page made =
      browser.get("/wp-json/wp/v2/media", {"-H", "X-WP-Nonce: " + nonce, "-F", "file=@" + file});
  EXPECT_EQ(made.status, 201) << made.body;
  const Page picture = browser.get(unescaped(between(made.body, R"("source_url":")", "\"")));
  EXPECT_EQ(picture.type, "image/png");
  EXPECT_EQ(picture.body, read_file(file));
}

void use(const Browser& browser, const std::string& name) {
  run_installer(browser, name);
  sign_in(browser, name);
  set_permalinks(browser);
  const std::string nonce = browser.get("/wp-admin/admin-ajax.php?action=rest-nonce").body;
  write_post(browser, nonce);
  upload_picture(browser, nonce);
  EXPECT_TRUE(browser.get("/wp-includes/css/dashicons.min.css").type.starts_with("text/css"));
}

// By the link that is sent to whom it belongs.
void reset_password(const Browser& browser, const std::string& name, SmtpSink& sink) {
  const std::size_t before = sink.mail().size();
  const Page asked = browser.post("/wp-login.php?action=lostpassword",
                                  {"user_login=" + name, "redirect_to=", "wp-submit=x"});
  EXPECT_EQ(asked.status, 302) << asked.body;
  const ReceivedMail mail = sink.wait_for(before + 1);
  EXPECT_EQ(mail.sender, "www@a.example");
  EXPECT_EQ(mail.recipients, std::vector<std::string>{name + "@example.com"});
  EXPECT_TRUE(contains(mail.text, "From: WordPress <wordpress@")) << mail.text;
  const std::string link = between(mail.text, browser.origin(), "\n");
  EXPECT_TRUE(contains(link, "action=rp")) << mail.text;
  const Page form = browser.get(link, {"-L"});
  EXPECT_EQ(form.status, 200);
  const std::string key = between(form.body, R"(name="rp_key" value=")", "\"");
  EXPECT_NE(key, "") << form.body;
  const Page done = browser.post(
      "/wp-login.php?action=resetpass",
      {"rp_key=" + key, "pass1=another-horse", "pass2=another-horse", "pw_weak=on", "wp-submit=x"});
  EXPECT_TRUE(contains(done.body, "Your password has been reset")) << done.body;
}

// What `browser`'s site shows of `file`, by each of the ways that its owner has, and by the backend
// that the file's owner runs.
std::map<std::string, std::string> shown(const Browser& browser, const std::string& file,
                                         const std::string& name, const std::string& backend) {
  std::map<std::string, std::string> all;
  for (const std::string by : {"read", "link", "shell", "proc", "fastcgi"}) {
    const Page page = browser.get("/spy.php?by=" + by + "&name=" + name + "&file=" + file);
    EXPECT_EQ(page.status, 200) << by;
    all[by] = page.body;
  }
  all["served"] = browser.get("/" + name).body;
  all["cgi"] = browser.get("/cgi-bin/show?" + file).body;
  all["proxy"] = browser.get(backend + "?file=" + file).body;
  return all;
}

void expect_apart(const Server& server, const Browser& a, const Browser& b) {
  for (const Browser* browser : {&a, &b}) browser->get("/listening");  // not HTTP, but it runs now
  const std::string of_a = server.docroot(0) + "/wp-config.php";
  const std::string of_b = server.docroot(1) + "/wp-config.php";
  for (const auto& [by, text] : shown(a, of_a, "own.txt", "/alices")) {
    // Each of these ways does lead to a file that is one's own, but for an absolute link.
    EXPECT_EQ(contains(text, secret_of("alice")), by != "served") << by << ": " << text;
  }
  for (const auto& [by, text] : shown(a, of_b, "others.txt", "/bobs")) {
    EXPECT_FALSE(contains(text, secret_of("bob"))) << by << ": " << text;
  }
  EXPECT_EQ(a.get("/bobs").status, 403);
  EXPECT_TRUE(contains(b.get("/bobs?file=" + of_b).body, secret_of("bob")));

  for (const Browser* browser : {&a, &b}) {
    const std::string uid = std::to_string(browser == &a ? uid_a : uid_b);
    const std::string others_uid = std::to_string(browser == &a ? uid_b : uid_a);
    const std::string owners = browser->get("/spy.php?by=proc").body;
    EXPECT_TRUE(contains(owners, uid)) << owners;
    EXPECT_FALSE(contains(owners, others_uid)) << owners;
  }
  EXPECT_TRUE(contains(a.get("/spy.php?by=leave&name=alice").body, "left by alice"));
  EXPECT_TRUE(contains(a.get("/spy.php?by=tmp").body, "left by alice"));
  EXPECT_FALSE(contains(b.get("/spy.php?by=tmp").body, "left"));
}

// But those of its installer.
void expect_no_mistakes(const Server& server) {
  const std::string log = server.error_log(0);
  EXPECT_FALSE(contains(log, "PHP Fatal")) << log;
  EXPECT_FALSE(contains(log, "already defined")) << log;
}

TEST(WordPress, TwoBlogsLiveSideBySide) {
  const Database database({"alice", "bob"});
  SmtpSink sink;
  const UsersBackend alices(uid_a);
  const UsersBackend bobs(uid_b);
  const std::string of_both = rules(sink, programs_with(alices, bobs));
  Server server({.sites = {{"a.example", {}, of_both}, {"b.example", {}, of_both}}});
  install_wordpress(server, 0, "alice", database);
  install_wordpress(server, 1, "bob", database);
  const Browser a("a.example", server.port());
  const Browser b("b.example", server.port());
  use(a, "alice");
  use(b, "bob");
  expect_apart(server, a, b);
  EXPECT_EQ(a.get("/wp-config.php").body, "");

  reset_password(a, "alice", sink);

  // A script among the uploads is neither run nor shown.
  server.add_file(0, "wp-content/uploads/x.php", "<?php echo 'run';");
  EXPECT_EQ(a.get("/wp-content/uploads/x.php").status, 404);
  expect_no_mistakes(server);
}

// ---- as its writer sees it

void sign_in(Chromium& chromium, const std::string& origin) {
  chromium.open(origin + "/wp-login.php");
  chromium.evaluate(
      "user_login.value = 'alice', user_pass.value = 'correct-horse',"
      "document.getElementById('wp-submit').click()");
  EXPECT_TRUE(chromium.shows("location.pathname == '/wp-admin/' && !!window.wpbody"));
}

// The menu is as wide and dark as its style sheets make it, and what scripts fill has been filled.
void expect_dashboard(Chromium& chromium) {
  EXPECT_TRUE(chromium.shows("document.readyState == 'complete'"));
  EXPECT_EQ(chromium.evaluate("document.querySelector('h1').innerText"), "Dashboard");
  EXPECT_EQ(chromium.evaluate("adminmenuback.getBoundingClientRect().width"), 160);
  EXPECT_EQ(chromium.evaluate("getComputedStyle(adminmenuback).backgroundColor"),
            "rgb(29, 35, 39)");
  EXPECT_EQ(chromium.evaluate("document.fonts.check('20px dashicons')"), true);
  EXPECT_EQ(chromium.evaluate("dashboard_right_now.innerText.includes('1 Post')"), true);
  EXPECT_GT(chromium.evaluate("dashboard_right_now.getBoundingClientRect().height"), 100);
  chromium.keep_screenshot("dashboard");
}

void write_in_editor(Chromium& chromium, const std::string& origin) {
  chromium.open(origin + "/wp-admin/post-new.php");
  EXPECT_TRUE(chromium.shows("!!document.querySelector('.editor-styles-wrapper h1')"));
  chromium.evaluate(
      "wp.data.dispatch('core/edit-post').toggleFeature('welcomeGuide'),"
      "wp.data.dispatch('core/editor').editPost({title: 'From the editor'}),"
      "wp.data.dispatch('core/block-editor').insertBlocks("
      "wp.blocks.createBlock('core/paragraph', {content: 'Written in Chromium.'}))");
  EXPECT_TRUE(chromium.shows(
      "document.querySelector('.editor-styles-wrapper').innerText.includes('in Chromium.')"));
  chromium.keep_screenshot("editor");
  chromium.evaluate(
      "wp.data.dispatch('core/editor').editPost({status: 'publish'}),"
      "wp.data.dispatch('core/editor').savePost()");
  EXPECT_TRUE(chromium.shows("wp.data.select('core/editor').isCurrentPostPublished()"));
  const std::string link =
      chromium.evaluate("wp.data.select('core/editor').getPermalink()").get<std::string>();
  chromium.open(link);
  EXPECT_TRUE(chromium.shows("document.querySelector('main').innerText.includes('in Chromium.')"));
  chromium.keep_screenshot("post");
}

TEST(WordPress, ItsDashboardAndEditorWorkInChromium) {
  const Database database({"alice"});
  const SmtpSink sink;
  Server server({.sites = {{"a.example", {}, rules(sink)}}});
  install_wordpress(server, 0, "alice", database);
  const Browser browser("a.example", server.port());
  run_installer(browser, "alice");
  Chromium chromium("a.example");
  sign_in(chromium, browser.origin());
  expect_dashboard(chromium);
  write_in_editor(chromium, browser.origin());
  EXPECT_GT(chromium.answers(), 100U);
  EXPECT_EQ(chromium.problems(), "");
  expect_no_mistakes(server);
}

// The control.
TEST(WordPress, ARequestOfAPageThatFailsIsSeen) {
  const Server server(
      {.sites = {{"a.example",
                  {{"index.html", "<!doctype html><img src=none.png><script src=x.js></script>"},
                   {"x.js", "none();"}}}}});
  Chromium chromium("a.example");
  const std::string origin = "http://a.example:" + std::to_string(server.port());
  chromium.open(origin + "/");
  EXPECT_TRUE(chromium.shows("document.images.length == 1"));
  EXPECT_TRUE(contains(chromium.problems(), "404 " + origin + "/none.png\n"));
  EXPECT_TRUE(contains(chromium.problems(), "ReferenceError")) << chromium.problems();
}

}  // namespace
}  // namespace perchild::test::wordpress_test
