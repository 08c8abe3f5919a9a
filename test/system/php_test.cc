// PHP's own interpreter behind a site: what it is told, what it answers, and what goes wrong.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "test/support/command.h"
#include "test/support/own_mounts.h"
#include "test/system/neighbour.h"

namespace perchild::test::php_test {
namespace {

constexpr const char* vars =
    "<?php foreach (explode(' ', $_GET['v']) as $v) "
    "echo $v, '=', $_SERVER[$v] ?? '-', \"\\n\";";

ServerSpec php_site(std::map<std::string, std::string> files,
                    const std::string& more = R"(, "php": true)") {
  return {
      .sites = {{"a.example", std::move(files), more}, {"b.example", {{"index.html", "of b"}}}}};
}

std::string post(const std::string& target, const std::string& body,
                 const std::string& fields = {}) {
  return request("a.example", target,
                 fields + "Content-Length: " + std::to_string(body.size()) + "\r\n", "POST") +
         body;
}

TEST(Php, AScriptIsRunAndNotShown) {
  const Server server(php_site({{"hello.php", "<?php echo 'hello from ', PHP_SAPI;"}}));
  const HttpResponse response = get(server.port(), "a.example", "/hello.php");
  EXPECT_EQ(response.status, 200) << server.error_log(0);
  EXPECT_EQ(response.body, "hello from cgi-fcgi");
  EXPECT_EQ(response.fields.at("content-length"), "19");
  EXPECT_EQ(response.fields.at("server"), "perchild");
  EXPECT_EQ(response.fields.count("x-powered-by"), 0U);
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /hello.php HTTP/1.1\" 200 19 "));
}

TEST(Php, ItRunsUnderTheSitesUser) {
  const Server server(php_site({{"id.php", "<?php echo posix_geteuid();"}}));
  EXPECT_EQ(get(server.port(), "a.example", "/id.php").body, std::to_string(uid_a));
}

// Of another version, as far as that is to be had on a machine with one.
void with_other_php(const std::string& folder) {
  show_only_program(folder, "/opt", "php-cgi",
                    "#!/bin/sh\nexec /usr/bin/php-cgi -d user_agent=other \"$@\"\n");
}

TEST(Php, EachSiteHasTheInterpreterThatItNames) {
  const std::map<std::string, std::string> files{
      {"x.php", "<?php echo 'agent ', ini_get('user_agent');"}};
  const Server server(
      {.sites = {{"a.example", files, R"(, "php": true)"},
                 {"b.example", files, R"(, "php": {"interpreter": "/opt/php-cgi"})"}},
       .before_exec = with_other_php});
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").body, "agent ") << server.error_log(0);
  EXPECT_EQ(get(server.port(), "b.example", "/x.php").body, "agent other") << server.error_log(1);
}

TEST(Php, ItIsToldOfTheRequest) {
  const Server server(php_site({{"d/vars.php", vars}}));
  const std::string names =
      "REQUEST_METHOD+SCRIPT_NAME+PATH_INFO+PHP_SELF+QUERY_STRING+REQUEST_URI+SERVER_NAME+"
      "REMOTE_ADDR+SERVER_ADDR+HTTPS+HTTP_PROXY+HTTP_X_A+SCRIPT_FILENAME+HTTP_AUTHORIZATION";
  const std::string target = "/d/vars.php/a%20b/c?v=" + names;
  const HttpResponse response = ask(
      server,
      request("a.example", target, "Proxy: x\r\nX-A: 1\r\nX_A: 2\r\nAuthorization: Bearer t\r\n"));
  const std::string script = server.docroot(0) + "/d/vars.php";
  EXPECT_EQ(response.body,
            "REQUEST_METHOD=GET\nSCRIPT_NAME=/d/vars.php\nPATH_INFO=/a b/c\n"
            "PHP_SELF=/d/vars.php/a b/c\nQUERY_STRING=v=" +
                names + "\nREQUEST_URI=" + target +
                "\nSERVER_NAME=a.example\nREMOTE_ADDR=127.0.0.1\nSERVER_ADDR=127.0.0.1\nHTTPS=-\n"
                "HTTP_PROXY=-\nHTTP_X_A=1\nSCRIPT_FILENAME=" +
                script + "\nHTTP_AUTHORIZATION=Bearer t\n");
}

TEST(Php, OnlyAScriptThatIsThereIsRun) {
  const Server server(php_site({{"a.jpg", "<?php echo 'run';"}, {"x.php", "<?php echo 'x';"}}));
  EXPECT_EQ(get(server.port(), "a.example", "/a.jpg/x.php").status, 404);
  EXPECT_EQ(get(server.port(), "a.example", "/a.jpg%2fx.php").status, 404);
  EXPECT_EQ(get(server.port(), "a.example", "/none.php").status, 404);
  EXPECT_EQ(get(server.port(), "a.example", "/none.php/x.php").status, 404);
  EXPECT_EQ(get(server.port(), "a.example", "/a.jpg").body, "<?php echo 'run';");
  EXPECT_EQ(get(server.port(), "a.example", "/x.php/x.php").body, "x");
}

TEST(Php, AnIndexAndAFallbackReachIt) {
  const Server server(php_site({{"index.php", "<?php echo 'front of ', $_SERVER['REQUEST_URI'];"},
                                {"lib/fetch.php", "<?php echo 'fetched ', $_SERVER['PATH_INFO'];"},
                                {"page.html", "static"}},
                               R"(, "php": true, "try": ["{path}", "{path}/", "/index.php"])"));
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "front of /");
  EXPECT_EQ(get(server.port(), "a.example", "/2024/post?x=1").body, "front of /2024/post?x=1");
  EXPECT_EQ(get(server.port(), "a.example", "/page.html").body, "static");
  // As DokuWiki and Moodle name what a script is to bring.
  EXPECT_EQ(get(server.port(), "a.example", "/lib/fetch.php/a/b.png").body, "fetched /a/b.png");
  EXPECT_EQ(get(server.port(), "a.example", "/page.html/x.php").body, "front of /page.html/x.php");
}

TEST(Php, PartsOfASiteRunNothing) {
  const Server server(php_site({{"up/x.php", "<?php echo 'secret';"}},
                               R"(, "php": true, "locations": [{"prefix": "/up", "php": false}])"));
  for (const char* target : {"/up/x.php", "/up/x.php/a", "/up/X.php"}) {
    const HttpResponse response = get(server.port(), "a.example", target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_FALSE(contains(response.body, "secret"));
  }
}

TEST(Php, TheRulesOfAScriptHoldHoweverItIsNamed) {
  const Server server(php_site(
      {{"admin.php", "<?php echo 'secret';"}},
      R"(, "php": true, "locations": [{"exact": "/admin.php", "access": {"deny": ["all"]}}])"));
  EXPECT_EQ(get(server.port(), "a.example", "/admin.php").status, 403);
  EXPECT_EQ(get(server.port(), "a.example", "/admin.php/a").status, 403);
}

TEST(Php, ABodyReachesItWhicheverWayItComes) {
  const Server server(php_site({{"len.php",
                                 "<?php $b = file_get_contents('php://input');"
                                 "echo strlen($b), ' ', md5($b);"}},
                               R"(, "php": true, "limits": {"body": "8M"})"));
  const std::string small = "a=b";
  const HttpResponse one = ask(server, post("/len.php", small));
  EXPECT_EQ(one.body, "3 7acaac15494e6820b1ed6d8b539af089");
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(ask(server, post("/len.php", large)).body.substr(0, 8), "5000000 ");
  const std::string chunked = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  const HttpResponse of_chunks = ask(
      server, request("a.example", "/len.php", "Transfer-Encoding: chunked\r\n", "POST") + chunked);
  EXPECT_EQ(of_chunks.body, "11 5eb63bbbe01eeed093cb22bb8f5acdc3");
  // Of a length that nobody has said: in memory, and in a file without a name.
  for (const std::size_t size : {65'535U, 65'536U, 131'071U, 131'072U, 300'000U, 3'000'000U}) {
    char line[16];
    std::snprintf(line, sizeof line, "%zx\r\n", size);
    const HttpResponse of_one =
        ask(server, request("a.example", "/len.php", "Transfer-Encoding: chunked\r\n", "POST") +
                        line + std::string(size, 'x') + "\r\n0\r\n\r\n");
    EXPECT_TRUE(of_one.body.starts_with(std::to_string(size) + " ")) << of_one.body;
  }
}

TEST(Php, AConnectionServesOneRequestAfterTheOther) {
  const Server server(php_site({{"echo.php", "<?php echo $_POST['a'] ?? 'none';"}, {"x", "file"}}));
  Client client(server.port());
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  client.send(post("/echo.php", "a=1", form) + post("/echo.php", "a=2", form) +
              request("a.example", "/x") + request("a.example", "/echo.php"));
  EXPECT_EQ(client.receive().body, "1");
  EXPECT_EQ(client.receive().body, "2");
  EXPECT_EQ(client.receive().body, "file");
  EXPECT_EQ(client.receive().body, "none");
}

TEST(Php, FilesTakeNoOtherMethods) {
  const Server server(php_site({{"x", "file"}}));
  EXPECT_EQ(ask(server, post("/x", "body")).status, 405);
}

TEST(Php, StatusFieldsAndRedirectsAreItsOwn) {
  const Server server(
      php_site({{"s.php",
                 "<?php http_response_code(418); header('X-B: c'); setcookie('a', '1');"
                 "setcookie('b', '2'); echo 'tea';"},
                {"r.php", "<?php header('Location: /elsewhere');"},
                {"n.php", "<?php http_response_code(204);"}}));
  const HttpResponse response = get(server.port(), "a.example", "/s.php");
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.fields.at("x-b"), "c");
  EXPECT_EQ(count_of(response.head, "Set-Cookie: "), 2U);
  EXPECT_EQ(response.body, "tea");
  const HttpResponse redirect = get(server.port(), "a.example", "/r.php");
  EXPECT_EQ(redirect.status, 302);
  EXPECT_EQ(redirect.fields.at("location"), "/elsewhere");
  EXPECT_EQ(get(server.port(), "a.example", "/n.php").status, 204);
}

TEST(Php, HeadHasTheHeadAlone) {
  const Server server(php_site({{"h.php", "<?php echo str_repeat('x', 100000);"}}));
  Client client(server.port());
  client.send(request("a.example", "/h.php", {}, "HEAD") + request("a.example", "/h.php"));
  EXPECT_EQ(client.receive(true).status, 200);
  EXPECT_EQ(client.receive(true).status, 200);
}

TEST(Php, OutputIsSentOnAsItComes) {
  Server server(php_site(
      {{"slow.php",
        "<?php echo 'one'; ob_flush(); flush(); while (!file_exists('go')) { clearstatcache();"
        "usleep(10000); } echo 'two';"}}));
  Client client(server.port());
  client.send(request("a.example", "/slow.php", "Connection: close\r\n"));
  std::string seen;
  EXPECT_TRUE(eventually([&] {
    seen += client.receive_some(100);
    return contains(seen, "3\r\none\r\n");
  })) << seen;
  server.add_file(0, "go", "");
  seen += client.receive_to_end().value_or("never");
  EXPECT_TRUE(contains(seen, "3\r\ntwo\r\n0\r\n\r\n")) << seen;
}

TEST(Php, OldClientsGetNoChunks) {
  const Server server(php_site({{"long.php",
                                 "<?php for ($i = 0; $i < 100; ++$i) "
                                 "echo str_repeat('x', 10000);"}}));
  Client client(server.port());
  client.send("GET /long.php HTTP/1.0\r\nHost: a.example\r\n\r\n");
  const std::string all = client.receive_to_end().value_or("");
  EXPECT_FALSE(contains(all, "Transfer-Encoding"));
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, 1'000'000U);
}

TEST(Php, WhatItComplainsOfIsInTheErrorLog) {
  const Server server(php_site({{"e.php", "<?php error_log(\"it is\\x1b late\"); nothing();"}}));
  const HttpResponse response = get(server.port(), "a.example", "/e.php");
  EXPECT_EQ(response.status, 500);
  EXPECT_FALSE(contains(response.body, "nothing"));
  EXPECT_TRUE(error_log_has(server, 0, "Call to undefined function nothing()"))
      << server.error_log(0);
  EXPECT_TRUE(contains(server.error_log(0), "late"));
  EXPECT_FALSE(contains(server.error_log(0), "\x1b"));
}

TEST(Php, WhoTakesTooLongIsEnded) {
  const Server server(
      php_site({{"loop.php", "<?php while (true) {}"}, {"x.php", "<?php echo 'x';"}},
               R"(, "php": {"time_limit": "3s", "max_processes": 1})"));
  const Neighbour neighbour(server);
  EXPECT_EQ(get(server.port(), "a.example", "/loop.php").status, 504);
  EXPECT_TRUE(error_log_has(server, 0, "the program took too long"));
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").body, "x");
}

TEST(Php, WhoCrashesIsReplaced) {
  const Server server(php_site(
      {{"die.php", "<?php posix_kill(posix_getpid(), SIGKILL);"},
       {"half.php", "<?php echo 'x'; ob_flush(); flush(); posix_kill(posix_getpid(), SIGKILL);"},
       {"x.php", "<?php echo 'x';"}}));
  const Neighbour neighbour(server);
  EXPECT_EQ(get(server.port(), "a.example", "/die.php").status, 502);
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").body, "x");
  Client client(server.port());
  client.send(request("a.example", "/half.php"));
  EXPECT_EQ(body_of(client.receive_to_end().value_or("")), "x<cut off>");
  EXPECT_TRUE(error_log_has(server, 0, "/half.php: the program ended in the middle"));
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").body, "x");
}

TEST(Php, MoreThanItsLengthIsCutAndLessIsNoResponse) {
  const Server server(
      php_site({{"long.php", "<?php header('Content-Length: 4'); echo 'longer';"},
                {"short.php", "<?php header('Content-Length: 9'); echo 'short';"}}));
  EXPECT_EQ(get(server.port(), "a.example", "/long.php").body, "long");
  EXPECT_EQ(get(server.port(), "a.example", "/short.php").status, 502);
}

TEST(Php, WhatOneProcessHasCompiledAnotherNeedNot) {
  Server server(
      php_site({{"one.php",
                 "<?php touch('begun'); while (!file_exists('go')) {"
                 "clearstatcache(); usleep(5000); } echo getmypid();"},
                {"other.php",
                 "<?php echo getmypid(), "
                 "opcache_is_script_cached(__DIR__ . '/one.php') ? ' has it' : ' has not';"}},
               R"(, "php": {"ini": {"opcache.file_update_protection": 0}})"));
  Client busy(server.port());
  busy.send(request("a.example", "/one.php"));
  ASSERT_TRUE(eventually([&] {
    return ::access((server.docroot(0) + "/begun").c_str(), F_OK) == 0;
  })) << server.error_log(0);
  const std::string other = get(server.port(), "a.example", "/other.php").body;
  server.add_file(0, "go", "");
  EXPECT_TRUE(other.ends_with(" has it")) << other;
  EXPECT_NE(busy.receive().body, other.substr(0, other.find(' ')));
}

TEST(Php, WhatIsDoneForWhoHasLeftIsFinished) {
  Server server(
      php_site({{"goes-on.php",
                 "<?php ignore_user_abort(true); touch('begun'); while "
                 "(!file_exists('go')) { clearstatcache(); usleep(5000); } touch('done');"}},
               R"(, "php": {"max_processes": 1})"));
  const auto exists = [&](const char* name) {
    return ::access((server.docroot(0) + "/" + name).c_str(), F_OK) == 0;
  };
  {
    Client client(server.port());
    client.send(request("a.example", "/goes-on.php"));
    ASSERT_TRUE(eventually([&] { return exists("begun"); })) << server.error_log(0);
  }
  EXPECT_TRUE(access_log_has(server, 0, "GET /goes-on.php"));
  EXPECT_FALSE(exists("done"));
  server.add_file(0, "go", "");
  EXPECT_TRUE(eventually([&] { return exists("done"); })) << server.error_log(0);
}

TEST(Php, WhoHasServedEnoughIsReplaced) {
  const Server server(php_site({{"pid.php", "<?php echo getmypid();"}},
                               R"(, "php": {"max_requests": 3, "max_processes": 1})"));
  std::map<std::string, int> served;
  for (int i = 0; i < 12; ++i) {
    const HttpResponse response = get(server.port(), "a.example", "/pid.php");
    EXPECT_EQ(response.status, 200);
    ++served[response.body];
  }
  EXPECT_EQ(served.size(), 4U);
}

TEST(Php, WhoWaitsTooLongForAProcessIsToldSo) {
  Server server(php_site(
      {{"wait.php", "<?php while (!file_exists('go')) { clearstatcache(); usleep(10000); }"},
       {"loaded.php", ""}},
      R"(, "php": {"max_processes": 1, "queue": 1, "queue_timeout": "500ms"})"));
  // Who waits while PHP is loaded may wait too long as well.
  ASSERT_TRUE(
      eventually([&] { return get(server.port(), "a.example", "/loaded.php").status == 200; }));
  Client busy(server.port());
  busy.send(request("a.example", "/wait.php"));
  Client waiting(server.port()), waiting_too(server.port());
  for (Client* client : {&waiting, &waiting_too}) {
    client->send(request("a.example", "/wait.php"));
  }
  for (Client* client : {&waiting, &waiting_too}) {
    const HttpResponse response = client->receive();
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.fields.at("retry-after"), "1");
  }
  for (const char* reason :
       {"too many requests wait for the program", "the program had no time for the request"}) {
    EXPECT_TRUE(error_log_has(server, 0, "GET /wait.php: " + std::string(reason))) << reason;
  }
  server.add_file(0, "go", "");
  EXPECT_EQ(busy.receive().status, 200);
}

TEST(Php, ExplainNamesWhatAnswers) {
  const Server server(php_site({{"x.php", "<?php echo 'x';"}}));
  const CommandEnd end = run_command(
      {bin_directory() + "/perchild", "explain", "--from", "127.0.0.1", "--config",
       server.configuration(), "http://a.example:" + std::to_string(server.port()) + "/x.php/a"});
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_TRUE(contains(end.output, "php, which runs /x.php\n")) << end.output;
  EXPECT_TRUE(contains(end.output, "by the program, which is not asked")) << end.output;
}

TEST(Php, ASiteGoesOnWithoutItsRunnersFirstLife) {
  const Server server(php_site({{"x.php", "<?php echo 'x';"}}));
  EXPECT_EQ(get(server.port(), "a.example", "/x.php").body, "x");
  for (const ProcessFacts& process : server.processes()) {
    if (process.name == "perchild-runner") ::kill(process.pid, SIGKILL);
  }
  EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example", "/x.php").body == "x"; }));
}

}  // namespace
}  // namespace perchild::test::php_test
