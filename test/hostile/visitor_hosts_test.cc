// A hostile visitor who names two sites at once, in every place where a name can stand: whichever
// of them answers is the one that is asked, and its programs are told of no other.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "test/hostile/lenient_backend.h"
#include "test/support/http2_client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::visitor_hosts_test {
namespace {

// Site a passes all on to a backend; b has a file that says so.
ServerSpec two_sites_with(const LenientBackend& backend, ServerSpec spec) {
  spec.sites[0].more += backend.settings();
  return spec;
}

// Hosts that two readers could take for different ones.
std::vector<std::string> confusing_hosts() {
  return {"a.example@b.example",  "b.example@a.example",  "a.example:80@b.example",
          "a.example, b.example", "a.example b.example",  "a.example#b.example",
          "a.example/b.example",  "a.example\\b.example", "a.example%00b.example",
          "a.example%2eb",        "a.example:b.example",  "a.example:80:b.example",
          "a.example\tb.example", "[a.example]b.example", "a.example;b.example",
          "a.example.b.example",  "b.example.a.example",  "a_example",
          "a.example..",          ".a.example",           "a..example",
          "a.example:99999",      "a.example:-1",         "a.example:",
          "A.EXAMPLE.:080",       "\xc3\xa0.example",     "a.example?b.example"};
}

// What any of a's backend is told: a's own name, however it was written.
void expect_only_a(const LenientBackend& backend) {
  for (const std::string& head : backend.heads()) {
    EXPECT_FALSE(contains(head.substr(head.find("\r\n")), "b.example")) << head;
    EXPECT_TRUE(contains(head, "\r\nHost: a.example") || contains(head, "\r\nHost: A.EXAMPLE"))
        << head;
  }
}

TEST(HostileVisitorNames, NoTwoSitesAtOnceByHttp1) {
  LenientBackend backend(LenientBackend::Prefers::length);
  const Server server(two_sites_with(backend, {.sites = two_sites()}));
  std::vector<std::string> heads;
  const auto with = [](const std::string& target, const std::string& host,
                       const std::string& more = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
  };
  for (const std::string& host : confusing_hosts()) {
    heads.push_back(with("/", host));
    heads.push_back(with("http://" + host + "/", "a.example"));
    heads.push_back(with("http://a.example/", host));
    heads.push_back("GET http://" + host + "/ HTTP/1.0\r\n\r\n");
  }
  for (const std::string more :
       {"Host: b.example\r\n", "host:b.example\r\n", " Host: b.example\r\n", "Host : b.example\r\n",
        "X: y\nHost: b.example\r\n", "X: y\rHost: b.example\r\n", "Host\t: b.example\r\n",
        "Connection: host\r\nHost: b.example\r\n"}) {
    heads.push_back(with("/", "a.example", more));
  }
  heads.push_back(with("http://b.example/", "a.example"));
  heads.push_back(with("//b.example/", "b.example/"));
  heads.push_back("GET http://b.example/ HTTP/1.1\r\n\r\n");
  for (const std::string& head : heads) {
    SCOPED_TRACE(head);
    const HttpResponse alone = ask(server, head);
    EXPECT_NE(alone.status, 0);
    EXPECT_NE(alone.body, "of b");
    Client behind(server.port());
    behind.send(request("a.example") + head);
    EXPECT_EQ(behind.receive().status, 200);
    const HttpResponse second = behind.receive();
    EXPECT_TRUE(second.status >= 400 || second.body.starts_with("asked: GET ")) << second.head;
  }
  expect_only_a(backend);
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
}

// Only what names the site may name it to a program.
TEST(HostileVisitorNames, NobodyInFieldsThatProxiesWrite) {
  LenientBackend backend(LenientBackend::Prefers::length);
  const Server server(two_sites_with(backend, {.sites = two_sites()}));
  for (const std::string field : {"X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Host",
                                  "X_Forwarded_Host", "Proxy", "X-Forwarded-Proto"}) {
    if (field == "X-Host") continue;  // a field like any other
    ask(server, request("a.example", "/", field + ": host=b.example\r\n"));
  }
  EXPECT_EQ(backend.heads().size(), 6u);
  expect_only_a(backend);
}

TEST(HostileVisitorNames, NoTwoSitesAtOnceByTlsAndHttp2) {
  LenientBackend backend(LenientBackend::Prefers::length);
  const Server server(two_sites_with(backend, secure_sites()));
  for (const std::string& host : confusing_hosts()) {
    SCOPED_TRACE(host);
    EXPECT_FALSE(contains(tls_get(server.port(), host, named("a.example")), "of b"));
    Http2Client client(server.port(), "a.example");
    const Http2Fields plain{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}};
    const auto with = [&](const Http2Fields& more) {
      Http2Fields fields = plain;
      fields.insert(fields.end(), more.begin(), more.end());
      return fields;
    };
    for (const Http2Fields& fields : {with({{":authority", host}}), with({{"host", host}}),
                                      with({{":authority", "a.example"}, {"host", host}}),
                                      with({{":authority", host}, {"host", "a.example"}})}) {
      const Http2Response response = client.response(client.request(fields));
      EXPECT_NE(response.body, "of b");
    }
    EXPECT_EQ(client.response(client.get()).body, "asked: GET / HTTP/1.1");
  }
  expect_only_a(backend);
  Http2Client other(server.port(), "b.example");
  EXPECT_EQ(other.response(other.get()).body, "of b");
}

// tcp(7): an urgent byte is not in the stream that a router peeks at and a worker reads.
TEST(HostileVisitorNames, NoTwoSitesByUrgentBytes) {
  const Server server({.sites = {{"a.example", {{"index.html", "of a"}}},
                                 {"aa.example", {{"index.html", "of aa"}}}}});
  const std::string head = "GET / HTTP/1.1\r\nHost: aa.example\r\n\r\n";
  for (std::size_t urgent = 0; urgent < head.size(); ++urgent) {
    SCOPED_TRACE(urgent);
    Client client(server.port());
    client.send(head.substr(0, urgent));
    ASSERT_EQ(::send(client.fd().get(), &head[urgent], 1, MSG_OOB), 1);
    client.send(head.substr(urgent + 1));
    client.close_sending();
    EXPECT_NE(client.receive().status, 0);
  }
  // Which a worker says that reads another name than the router has; the router's own are not
  // there.
  EXPECT_EQ(get(server.port(), "a.example", "/last").status, 404);
  EXPECT_EQ(get(server.port(), "aa.example", "/last").status, 404);
  for (const std::size_t site : {0U, 1U}) {
    EXPECT_TRUE(access_log_has(server, site, "/last"));
    EXPECT_FALSE(contains(server.access_log(site), " 421 "));
  }
}

}  // namespace
}  // namespace perchild::test::visitor_hosts_test
