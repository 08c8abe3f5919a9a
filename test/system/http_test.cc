// HTTP/1 as a site's worker speaks it: methods, connections, conditions.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "test/support/matches.h"
#include "test/system/requests.h"

namespace perchild::test::http_test {
namespace {

std::vector<SiteSpec> one_site(const std::string& more = {}) {
  return {{"a.example",
           {{"index.html", "of a"},
            {"page.txt", "text"},
            {"empty", ""},
            {"folder/index.html", "of folder"},
            {"bare/page", "x"},
            {"a b&c/index.html", "spaced"}},
           more}};
}

// Gives a file a time in the past that is known.
void set_modification_time(const std::string& path) {
  const ::timespec times[2] = {{784'111'777, 0}, {784'111'777, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

TEST(Http, GetBringsTheBytesAndAllFieldsOfAFile) {
  Server server({.sites = one_site()});
  set_modification_time(server.docroot(0) + "/page.txt");
  const HttpResponse response = get(server.port(), "a.example", "/page.txt");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "text");
  EXPECT_TRUE(response.head.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(response.fields.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(response.fields.at("content-length"), "4");
  EXPECT_EQ(response.fields.at("last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(response.fields.at("server"), "perchild");
  EXPECT_TRUE(matches(response.fields.at("etag"), "\"[0-9a-f]+-4\""));
  EXPECT_TRUE(matches(response.fields.at("date"),
                      "(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z]{2} "
                      "20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"));
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /page.txt HTTP/1.1\" 200 4 "));
}

TEST(Http, AnEmptyFileIsServed) {
  Server server({.sites = one_site()});
  const HttpResponse response = get(server.port(), "a.example", "/empty");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.at("content-length"), "0");
}

TEST(Http, HeadNeverHasABodyAndTellsWhatGetWould) {
  Server server({.sites = one_site()});
  Client client(server.port());
  for (const char* target : {"/page.txt", "/missing", "/folder", "/bare/", "/%zz", "/a%2Fb"}) {
    client.send(request("a.example", target, "", "HEAD") + request("a.example", target));
    const HttpResponse head = client.receive(true);
    const HttpResponse full = client.receive();
    ASSERT_NE(full.status, 0) << target;
    EXPECT_EQ(head.status, full.status) << target;
    EXPECT_EQ(head.fields.at("content-length"), std::to_string(full.body.size())) << target;
    EXPECT_EQ(head.fields.at("content-type"), full.fields.at("content-type")) << target;
  }
  client.send(request("a.example", "/page.txt", "Connection: close\r\n", "HEAD"));
  EXPECT_EQ(client.receive(true).status, 200);
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Http, HeadThatIsRefusedForItsHeadOrHostHasNoBody) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(request("a.example") + request("b.example", "/", "", "HEAD"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive(true).status, 421);
  EXPECT_TRUE(client.closed_by_server());
  Client other(server.port());
  other.send(request("a.example") + request("a.example", "/", "Expect: miracles\r\n", "HEAD"));
  EXPECT_EQ(other.receive().status, 200);
  EXPECT_EQ(other.receive(true).status, 417);
  EXPECT_TRUE(other.closed_by_server());
  // What the router refuses, and what the worker does; from the method on, whatever else is wrong.
  const std::string get = request("a.example");
  for (const std::string& before : {std::string(), get}) {
    for (const char* rest : {" /\xc3\xbc HTTP/1.1\r\n", " / HTTP/2.0\r\n", " / HTTP/1.1\r\na b"}) {
      Client one(server.port());
      one.send(before + "HEAD" + rest);
      one.close_sending();
      if (!before.empty()) {
        EXPECT_EQ(one.receive().status, 200);
      }
      EXPECT_GE(one.receive(true).status, 400) << rest;
      EXPECT_TRUE(one.closed_by_server()) << rest;
    }
  }
}

TEST(Http, OptionsNamesTheMethodsOfAFileAndOfTheServer) {
  Server server({.sites = one_site()});
  for (const char* target : {"/page.txt", "*"}) {
    const HttpResponse response = ask(server, request("a.example", target, "", "OPTIONS"));
    EXPECT_EQ(response.status, 204) << target;
    EXPECT_EQ(response.fields.at("allow"), "GET, HEAD, OPTIONS") << target;
    EXPECT_FALSE(response.fields.contains("content-length"));  // RFC 9110, 8.6
  }
}

TEST(Http, KnownMethodsThatFilesDoNotHaveAreAnswered405WithAllow) {
  Server server({.sites = one_site()});
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "TRACE"}) {
    const HttpResponse response = ask(server, request("a.example", "/", "", method));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.fields.at("allow"), "GET, HEAD, OPTIONS") << method;
  }
  // What comes behind it would have been the tunnel's.
  Client tunnel(server.port());
  tunnel.send(request("a.example:80", "a.example:80", "", "CONNECT") + request("a.example"));
  EXPECT_EQ(tunnel.receive().status, 405);
  EXPECT_TRUE(tunnel.closed_by_server());
  // Nothing is left unread of a body without a byte.
  const HttpResponse empty =
      ask(server, request("a.example", "/", "Content-Length: 0\r\n", "POST"));
  EXPECT_EQ(empty.status, 405);
  EXPECT_FALSE(empty.fields.contains("connection"));
  EXPECT_EQ(ask(server, request("a.example", "/", "", "BREW")).status, 501);
  EXPECT_TRUE(access_log_has(server, 0, "\"BREW / HTTP/1.1\" 501 "));
}

TEST(Http, AConnectionIsKeptUntilTheClientAsksForItsEnd) {
  Server server({.sites = one_site()});
  Client client(server.port());
  for (int i = 0; i < 5; ++i) {
    client.send(request("a.example", "/page.txt"));
    const HttpResponse response = client.receive();
    EXPECT_EQ(response.body, "text");
    EXPECT_FALSE(response.fields.contains("connection"));
  }
  client.send(request("a.example", "/page.txt", "Connection: close\r\n"));
  EXPECT_EQ(client.receive().fields.at("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Http, Http10ConnectionsCloseUnlessKeepAliveIsAskedFor) {
  Server server({.sites = one_site()});
  const std::string plain = "GET /page.txt HTTP/1.0\r\nHost: a.example\r\n";
  Client client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send(plain + "Connection: Keep-Alive\r\n\r\n");
    const HttpResponse response = client.receive();
    EXPECT_EQ(response.body, "text");
    EXPECT_EQ(response.fields.at("connection"), "keep-alive");
  }
  client.send(plain + "\r\n");
  EXPECT_EQ(client.receive().fields.at("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Http, AHundredPipelinedRequestsInOneWriteAreAnsweredInOrder) {
  constexpr std::size_t requests = 100;
  Server server({.sites = one_site()});
  std::string bytes;
  for (std::size_t i = 0; i < requests; ++i) {
    server.add_file(0, "n" + std::to_string(i), "number " + std::to_string(i));
    bytes += request("a.example", "/n" + std::to_string(i));
  }
  Client client(server.port());
  client.send(bytes);
  for (std::size_t i = 0; i < requests; ++i) {
    EXPECT_EQ(client.receive().body, "number " + std::to_string(i));
  }
  client.close_sending();
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(eventually([&] { return count_of(server.access_log(0), "\n") == requests; }));
}

TEST(Http, ARequestThatArrivesByteByByteIsAnswered) {
  Server server({.sites = one_site()});
  Client client(server.port());
  for (int i = 0; i < 2; ++i) {  // the first one goes through the router
    for (const char c : request("a.example", "/page.txt")) client.send({&c, 1});
    EXPECT_EQ(client.receive().body, "text");
  }
}

TEST(Http, AHalfClosedClientGetsItsAnswers) {
  Server server({.sites = one_site()});
  Client client(server.port());
  client.send(request("a.example", "/page.txt") + request("a.example"));
  client.close_sending();
  EXPECT_EQ(client.receive().body, "text");
  EXPECT_EQ(client.receive().body, "of a");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Http, AHeadThatEndsEarlyIsAnswered400) {
  Server server({.sites = one_site()});
  Client first(server.port());
  first.send("GET / HTTP/1.1\r\nHost: a.exam");
  first.close_sending();
  EXPECT_EQ(first.receive().status, 400);
  EXPECT_TRUE(first.closed_by_server());
  Client second(server.port());
  second.send(request("a.example") + "GET / HT");
  second.close_sending();
  EXPECT_EQ(second.receive().status, 200);
  EXPECT_EQ(second.receive().status, 400);
  EXPECT_TRUE(second.closed_by_server());
  EXPECT_TRUE(error_log_has(server, 0, "the head ends early"));
}

TEST(Http, AClientThatGoesAwayInTheMiddleOfAResponseHarmsNobody) {
  Server server({.sites = one_site()});
  server.add_file(0, "big", std::string(32 * 1024 * 1024, 'x'));
  const auto worker = [&] { return server.workers_of(0).at(0).pid; };
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  const ::pid_t before = worker();
  for (int i = 0; i < 10; ++i) {
    Client client(server.port());
    client.send(request("a.example", "/big"));
    EXPECT_FALSE(client.receive_some().empty());
  }
  EXPECT_TRUE(eventually(
      [&] { return count_of(server.access_log(0), "\"GET /big HTTP/1.1\" 200 ") == 10; }));
  EXPECT_FALSE(contains(server.access_log(0), " 200 33554432 "));
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(worker(), before);
}

TEST(Http, AFolderWithoutItsSlashIsRedirectedWithTheQuery) {
  Server server({.sites = one_site()});
  const auto location = [&](const std::string& target) {
    const HttpResponse response = get(server.port(), "a.example", target);
    EXPECT_EQ(response.status, 301) << target;
    return response.fields.count("location") == 1 ? response.fields.at("location") : "none";
  };
  EXPECT_EQ(location("/folder"), "/folder/");
  EXPECT_EQ(location("/folder?q=1&r=%20"), "/folder/?q=1&r=%20");
  EXPECT_EQ(location("/a%20b&c"), "/a%20b&c/");
  EXPECT_EQ(location("//folder"), "/folder/");
  EXPECT_EQ(get(server.port(), "a.example", "/a%20b&c/").body, "spaced");
}

TEST(Http, TheFirstIndexFileThatExistsIsServed) {
  Server server({.sites = one_site(R"(, "index": ["first.htm", "second.txt", "index.html"])")});
  EXPECT_EQ(get(server.port(), "a.example", "/folder/").body, "of folder");
  server.add_file(0, "folder/second.txt", "second");
  const HttpResponse second = get(server.port(), "a.example", "/folder/");
  EXPECT_EQ(second.body, "second");
  EXPECT_EQ(second.fields.at("content-type"), "text/plain; charset=utf-8");
  server.add_file(0, "folder/first.htm", "first");
  EXPECT_EQ(get(server.port(), "a.example", "/folder/?q").body, "first");
}

TEST(Http, AFolderWithoutAnIndexIsForbidden) {
  Server server({.sites = one_site()});
  EXPECT_EQ(get(server.port(), "a.example", "/bare/").status, 403);
  EXPECT_TRUE(error_log_has(server, 0, "GET /bare/: a directory without an index"));
}

TEST(Http, AFileThatTheClientHasIsAnswered304) {
  Server server({.sites = one_site()});
  set_modification_time(server.docroot(0) + "/page.txt");
  const std::string tag = get(server.port(), "a.example", "/page.txt").fields.at("etag");
  Client client(server.port());
  const auto status_with = [&](const std::string& fields) {
    client.send(request("a.example", "/page.txt", fields));
    return client.receive().status;
  };
  EXPECT_EQ(status_with("If-None-Match: " + tag + "\r\n"), 304);
  EXPECT_EQ(status_with("If-None-Match: \"other\", W/" + tag + "\r\n"), 304);
  EXPECT_EQ(status_with("If-None-Match: \"other\"\r\nIf-None-Match: " + tag + "\r\n"), 304);
  EXPECT_EQ(status_with("If-None-Match: *\r\n"), 304);
  EXPECT_EQ(status_with("If-None-Match: \"other\"\r\n"), 200);
  EXPECT_EQ(status_with("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 304);
  EXPECT_EQ(status_with("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"), 200);
  EXPECT_EQ(status_with("If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n"), 304);
  EXPECT_EQ(status_with("If-Modified-Since: never\r\n"), 200);
  // RFC 9110, 13.1.3: the tag decides alone.
  EXPECT_EQ(status_with("If-None-Match: \"other\"\r\n"
                        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
            200);
}

TEST(Http, A304HasNeitherBodyNorLengthAndKeepsTheConnection) {
  Server server({.sites = one_site()});
  Client client(server.port());
  client.send(request("a.example", "/page.txt", "If-None-Match: *\r\n") +
              request("a.example", "/page.txt"));
  const HttpResponse unchanged = client.receive();
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_FALSE(unchanged.fields.contains("content-length"));
  const HttpResponse full = client.receive();
  EXPECT_EQ(full.body, "text");
  EXPECT_EQ(unchanged.fields.at("etag"), full.fields.at("etag"));
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /page.txt HTTP/1.1\" 304 - "));
}

}  // namespace
}  // namespace perchild::test::http_test
