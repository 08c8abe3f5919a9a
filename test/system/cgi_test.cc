// CGI scripts: what they are told, what their output becomes, and what goes wrong with it.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "test/system/neighbour.h"

namespace perchild::test::cgi_test {
namespace {

using Scripts = std::vector<std::pair<std::string, std::string>>;

class CgiServer {
 public:
  explicit CgiServer(const Scripts& scripts, const std::string& cgi = "true")
      : server_(
            {.sites = {
                 {"a.example", {{"cgi-bin/.keep", ""}, {"page", "a page"}}, R"(, "cgi": )" + cgi},
                 {"b.example", {{"index.html", "of b"}}}}}) {
    for (const auto& [name, text] : scripts) add(name, text);
  }
  void add(const std::string& name, const std::string& text, unsigned mode = 0700) {
    server_.add_file(0, "cgi-bin/" + name, "#!/bin/sh\n" + text + "\n", mode);
  }
  Server& operator*() { return server_; }
  Server* operator->() { return &server_; }
  HttpResponse get(const std::string& target) {
    return test::get(server_.port(), "a.example", target);
  }
  // All that comes for a request, until the connection ends.
  std::string all(const std::string& target, const std::string& fields = {},
                  const std::string& method = "GET", const std::string& body = {}) {
    Client client(server_.port());
    client.send(request("a.example", target, "Connection: close\r\n" + fields, method) + body);
    return client.receive_to_end().value_or("<no end>");
  }
  // The neighbour is as well as ever.
  ~CgiServer() { EXPECT_EQ(test::get(server_.port(), "b.example").body, "of b"); }

 private:
  Server server_;
};

TEST(Cgi, AScriptAnswersUnderTheSitesUser) {
  CgiServer server(Scripts{{"id", R"(echo "Content-Type: text/x"; echo; id -u)"}});
  const HttpResponse response = server.get("/cgi-bin/id");
  EXPECT_EQ(response.status, 200) << server->error_log(0);
  EXPECT_EQ(response.fields.at("content-type"), "text/x");
  EXPECT_EQ(body_of(server.all("/cgi-bin/id")), std::to_string(uid_a) + "\n");
}

TEST(Cgi, ItIsToldOfTheRequestAndOfNothingElse) {
  CgiServer server(Scripts{{"env", R"(echo "Content-Type: text/plain"; echo; env)"}});
  const std::string env =
      "\n" + body_of(server.all("/cgi-bin/env/x/y?q=1",
                                "Proxy: evil\r\nX_Y: evil\r\nCookie: a=b\r\nX-Y: z\r\n"));
  for (const char* line :
       {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=GET", "QUERY_STRING=q=1", "PATH_INFO=/x/y",
        "SCRIPT_NAME=/cgi-bin/env", "HTTP_COOKIE=a=b", "HTTP_X_Y=z", "REMOTE_ADDR=127.0.0.1"}) {
    EXPECT_TRUE(contains(env, "\n" + std::string(line) + "\n")) << line << env;
  }
  EXPECT_FALSE(contains(env, "evil"));
  EXPECT_FALSE(contains(env, "HTTP_PROXY"));
}

TEST(Cgi, ItReadsTheBodyToItsEnd) {
  CgiServer server(Scripts{{"len", R"(echo "Content-Type: text/plain"; echo; wc -c)"}});
  const std::string body(300'000, 'x');
  EXPECT_EQ(body_of(server.all("/cgi-bin/len", "Content-Length: 300000\r\n", "POST", body)),
            "300000\n");
  EXPECT_EQ(body_of(server.all("/cgi-bin/len", "Transfer-Encoding: chunked\r\n", "POST",
                               "3\r\nabc\r\n0\r\n\r\n")),
            "3\n");
}

// One that fits into memory is a file.
TEST(Cgi, ASmallBodyCanBeOpenedAnew) {
  CgiServer server(Scripts{{"twice", "printf 'A: b\\n\\n'; cat; cat /dev/stdin"}});
  EXPECT_EQ(body_of(server.all("/cgi-bin/twice", "Content-Length: 4\r\n", "POST", "body")),
            "bodybody");
}

TEST(Cgi, ALocalRedirectServesAnotherPathOfTheSite) {
  CgiServer server(Scripts{{"to", R"(echo "Location: /page"; echo)"},
                           {"away", R"(echo "Location: http://b.example/"; echo)"},
                           {"round", R"(echo "Location: /cgi-bin/round"; echo)"}});
  EXPECT_EQ(server.get("/cgi-bin/to").body, "a page");
  const HttpResponse away = server.get("/cgi-bin/away");
  EXPECT_EQ(away.status, 302);
  EXPECT_EQ(away.fields.at("location"), "http://b.example/");
  EXPECT_EQ(server.get("/cgi-bin/round").status, 500);
}

TEST(Cgi, OnlyWhatIsMeantToBeRunIsRun) {
  CgiServer server(Scripts{});
  server.add("loose", "echo; echo run", 0777);
  server.add("plain", "echo; echo run", 0600);
  EXPECT_EQ(server.get("/cgi-bin/loose").status, 403);
  EXPECT_EQ(server.get("/cgi-bin/plain").status, 403);
  EXPECT_EQ(server.get("/cgi-bin/none").status, 404);
  EXPECT_EQ(server.get("/page/x").status, 404);
}

// In KiB.
std::size_t most_memory_of(::pid_t pid) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
  const std::string key = "VmHWM:";
  return std::stoul(status.substr(status.find(key) + key.size()));
}

struct BadOutput {
  const char* name;
  const char* script;
  const char* reason;
};

TEST(Cgi, OutputThatIsNoResponseIsA502AndSaid) {
  const BadOutput cases[] = {
      {"nothing", "exit 0", ""},
      {"no-head", "echo hello; echo; echo x", ""},
      {"half", "printf 'Content-Type: text/plain\\n'", ""},
      {"fold", "printf 'A: b\\n c\\n\\nx'", ""},
      {"control", "printf 'A: b\\001c\\n\\nx'", ""},
      {"twice", "printf 'Content-Length: 1\\nContent-Length: 1\\n\\nx'", ""},
      {"status", "printf 'Status: 99\\n\\nx'", ""},
      {"large",
       "while :; do echo 'A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'; done", ""},
      {"killed", "kill -9 $$", ""},
  };
  Scripts scripts;
  for (const BadOutput& one : cases) scripts.emplace_back(one.name, one.script);
  CgiServer server(scripts);
  const Neighbour neighbour(*server);
  for (const BadOutput& one : cases) {
    EXPECT_EQ(server.get("/cgi-bin/" + std::string(one.name)).status, 502) << one.name;
    EXPECT_TRUE(error_log_has(*server, 0, "/cgi-bin/" + std::string(one.name) + ":")) << one.name;
  }
}

TEST(Cgi, AHeadInPiecesIsAHead) {
  CgiServer server(Scripts{{"split",
                            "printf 'Content-Ty'; sleep 0.1; printf 'pe: text/plain\\r\\nX: '; "
                            "sleep 0.1; printf 'y\\r\\n\\r'; sleep 0.1; printf '\\nbody'"}});
  const HttpResponse response = server.get("/cgi-bin/split");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.at("x"), "y");
}

TEST(Cgi, FieldsAboutTheConnectionAreNotItsToSay) {
  CgiServer server(Scripts{{"hop",
                            "printf 'Connection: x\\nTransfer-Encoding: chunked\\nServer: me\\n"
                            "Keep-Alive: 1\\nDate: never\\nA: b\\n\\nbody'"}});
  const HttpResponse response = server.get("/cgi-bin/hop");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body_of(server.all("/cgi-bin/hop")), "body");
  EXPECT_EQ(response.fields.at("server"), "perchild");
  EXPECT_FALSE(contains(response.head, "Connection: x"));
  EXPECT_EQ(response.fields.count("keep-alive"), 0U);
  EXPECT_FALSE(contains(response.head, "never"));
}

TEST(Cgi, LessThanItsLengthEndsTheConnectionAndMoreIsCut) {
  CgiServer server(Scripts{{"short", "printf 'Content-Length: 10\\n\\nx'"},
                           {"long", "printf 'Content-Length: 3\\n\\nabcdef'"}});
  const Neighbour neighbour(*server);
  Client client(server->port());
  client.send(request("a.example", "/cgi-bin/short"));
  EXPECT_NE(client.receive_to_end(), std::nullopt);
  EXPECT_TRUE(error_log_has(*server, 0, "shorter than it says"));
  const std::string all = server.all("/cgi-bin/long");
  EXPECT_TRUE(all.ends_with("\r\n\r\nabc")) << all;
}

// However much it is, its worker holds little of it.
TEST(Cgi, EndlessOutputIsTakenAsFastAsTheClientReads) {
  CgiServer server(Scripts{{"yes", "printf 'A: b\\n\\n'; exec yes"}});
  const Neighbour neighbour(*server);
  Client client(server->port());
  client.send(request("a.example", "/cgi-bin/yes"));
  std::size_t size = 0;
  const auto read_until = [&](std::size_t most) {
    while (size < most) {
      const std::string some = client.receive_some();
      ASSERT_FALSE(some.empty());
      size += some.size();
    }
  };
  read_until(1'000'000);
  const std::size_t before = most_memory_of(server->workers_of(0).at(0).pid);
  read_until(64'000'000);
  EXPECT_LT(most_memory_of(server->workers_of(0).at(0).pid), before + 8'000);
}

TEST(Cgi, WhoSleepsForEverIsEnded) {
  CgiServer server(Scripts{{"sleep", "sleep 1000"},
                           {"late", "setsid sleep 1234 & printf 'A: b\\n\\nx'; sleep 1000"}},
                   R"({"time_limit": "300ms"})");
  const Neighbour neighbour(*server);
  EXPECT_EQ(server.get("/cgi-bin/sleep").status, 504);
  EXPECT_EQ(body_of(server.all("/cgi-bin/late")), "x<cut off>");
  EXPECT_TRUE(error_log_has(*server, 0, "the program took too long"));
  // Nor has it left anything behind, though it had begun to answer.
  server.add("running", "printf 'A: b\\n\\n'; cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
  std::string running;
  EXPECT_TRUE(eventually([&] {
    running = body_of(server.all("/cgi-bin/running"));
    return contains(running, "./running") && !contains(running, "sleep 1234");
  })) << running;
}

TEST(Cgi, WhatEndsAtOnceIsSentWithItsLength) {
  CgiServer server(Scripts{{"piecemeal", "echo 'A: b'; echo; echo one; echo two"}});
  HttpResponse response;
  // The machine may have something else to do between its last word and its end.
  EXPECT_TRUE(eventually([&] {
    response = server.get("/cgi-bin/piecemeal");
    return response.fields.count("content-length") != 0;
  }));
  EXPECT_EQ(response.fields.count("transfer-encoding"), 0u);
  EXPECT_EQ(response.body, "one\ntwo\n");
}

TEST(Cgi, WhatGoesOnIsSentAsItComes) {
  CgiServer server(Scripts{{"slow", "echo 'A: b'; echo; echo one; sleep 1000"}});
  Client client(server->port());
  client.send(request("a.example", "/cgi-bin/slow"));
  std::string received;
  EXPECT_TRUE(eventually([&] {
    received += client.receive_some();
    return contains(received, "one\n");
  })) << received;
  EXPECT_TRUE(contains(received, "Transfer-Encoding: chunked\r\n")) << received;
}

TEST(Cgi, WhatItSaysOnStderrIsInTheErrorLog) {
  CgiServer server(Scripts{{"err", "echo oh no >&2; printf 'A: b\\n\\nx'"}});
  EXPECT_EQ(server.get("/cgi-bin/err").status, 200);
  EXPECT_TRUE(error_log_has(*server, 0, "oh no"));
}

}  // namespace
}  // namespace perchild::test::cgi_test
