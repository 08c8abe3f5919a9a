// A hostile visitor who takes his time, where a site has little of something: its programs'
// processes, and connections that are encrypted. (test/system/timeouts_test.cc and bodies_test.cc
// have the rest.)
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "test/support/http2_client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::visitor_slow_test {
namespace {

// One process of PHP for all visitors, who do not wait for it for long.
constexpr const char* one_process = R"(, "php": {"max_processes": 1, "queue_timeout": "3s"},
  "limits": {"body": "8M"}, "timeouts": {"body": "30s", "send": "30s"})";

SiteSpec site_of_programs() {
  return {"a.example",
          {{"hello.php", "<?php echo 'hello';"},
           {"size.php", "<?php echo strlen(file_get_contents('php://input'));"},
           {"page.php", "<?php echo str_repeat('x', (int)$_GET['size']);"}},
          one_process};
}

bool is_served(const Server& server) {
  return get(server.port(), "a.example", "/hello.php").body == "hello";
}

TEST(SlowVisitor, SendsABodyThatNoProcessWaitsFor) {
  const Server server({.sites = {site_of_programs()}});
  ASSERT_TRUE(is_served(server));
  for (const std::size_t size : {std::size_t{100'000}, std::size_t{4'000'000}}) {
    SCOPED_TRACE(size);
    std::vector<std::unique_ptr<Client>> attackers;
    for (int i = 0; i < 3; ++i) {
      attackers.push_back(std::make_unique<Client>(server.port()));
      attackers.back()->send(request("a.example", "/size.php",
                                     "Content-Length: " + std::to_string(size) + "\r\n", "POST") +
                             std::string(50'000, 'x'));
    }
    EXPECT_TRUE(is_served(server));
    // Whoever goes on is served in the end.
    attackers.front()->send(std::string(size - 50'000, 'x'));
    EXPECT_EQ(attackers.front()->receive().body, std::to_string(size));
    EXPECT_TRUE(is_served(server));
  }
}

// An HTTP server that serves one connection at a time, as many applications do.
constexpr const char* one_by_one = R"(import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self): return 'somebody'
    def log_message(self, *a): pass
    def do_POST(self):
        print('reads', file=sys.stderr, flush=True)
        self.reply(b'%d' % len(self.rfile.read(int(self.headers['Content-Length']))))
    def do_GET(self): self.reply(b'hello')
    def reply(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
listener = socket.socket(fileno=3)
while True:
    Handler(listener.accept()[0], ('', 0), None)
)";

class SlowVisitorOfAnApplication : public ::testing::Test {
 protected:
  explicit SlowVisitorOfAnApplication(const std::string& more = {})
      : server_({.sites = {{"a.example",
                            {{"app.py", one_by_one}},
                            R"(, "app": {"command": ["/usr/bin/python3", "-SE", "app.py"])" + more +
                                "}"}}}) {}
  Client visitor(const std::string& bytes) const {
    Client client(server_.port());
    client.send(bytes);
    return client;
  }
  static std::string upload() {
    return request("a.example", "/", "Content-Length: 100000\r\n", "POST") +
           std::string(50'000, 'x');
  }

  const Server server_;
};

TEST_F(SlowVisitorOfAnApplication, SendsABodyThatItDoesNotWaitFor) {
  Client slow = visitor(upload());
  EXPECT_EQ(get(server_.port(), "a.example").body, "hello") << server_.error_log(0);
  slow.send(std::string(50'000, 'x'));
  EXPECT_EQ(slow.receive().body, "100000");
}

// The control.
class SlowVisitorOfAnApplicationThatSeesAll : public SlowVisitorOfAnApplication {
 protected:
  SlowVisitorOfAnApplicationThatSeesAll()
      : SlowVisitorOfAnApplication(R"(, "request_buffer": 0)") {}
};

TEST_F(SlowVisitorOfAnApplicationThatSeesAll, HoldsItUp) {
  Client slow = visitor(upload());
  EXPECT_TRUE(error_log_has(server_, 0, "app: reads")) << server_.error_log(0);
  Client other = visitor(request("a.example"));
  EXPECT_EQ(other.receive(false, 300).status, 0);
  slow.send(std::string(50'000, 'x'));
  EXPECT_EQ(slow.receive().body, "100000");
  EXPECT_EQ(other.receive().body, "hello");
}

// Longer in all than PHP has for an answer, a MiB of it not so long.
TEST(BodyOfAVisitorWhoIsSlow, ArrivesThoughItTakesLonger) {
  SiteSpec site = site_of_programs();
  site.more.replace(site.more.find("\"max_processes\""), 0, "\"time_limit\": \"2s\", ");
  const Server server({.sites = {site}});
  constexpr int pieces = 30;
  const std::string piece(256 * 1024, 'x');
  const std::string size = std::to_string(pieces * piece.size());
  Client client(server.port());
  client.send(request("a.example", "/size.php", "Content-Length: " + size + "\r\n", "POST"));
  const std::int64_t start = now_ms();
  for (int i = 1; i <= pieces; ++i) {
    client.send(piece);
    while (now_ms() - start < i * 120) pause_briefly();
  }
  EXPECT_EQ(client.receive().body, size);
}

// A network of the test's own, in which the kernel holds little for who does not read.
void enter_network_of_small_buffers() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  ASSERT_EQ(::ioctl(socket.get(), SIOCSIFFLAGS, &loopback), 0);
  std::ofstream buffers("/proc/sys/net/ipv4/tcp_wmem");
  buffers << "4096 16384 16384" << std::flush;
  ASSERT_TRUE(buffers.good());
}

TEST(SlowVisitor, TakesAPageThatItsProcessIsDoneWith) {
  enter_network_of_small_buffers();
  const Server server({.sites = {site_of_programs()}});
  ASSERT_TRUE(is_served(server));
  std::vector<std::unique_ptr<Client>> attackers;
  for (int i = 0; i < 3; ++i) {
    attackers.push_back(std::make_unique<Client>(server.port()));
    attackers.back()->send(request("a.example", "/page.php?size=250000", "Connection: close\r\n"));
    // It has begun, so the process is at work for him.
    ASSERT_FALSE(attackers.back()->receive_some().empty());
    EXPECT_TRUE(is_served(server));
  }
  const auto rest = attackers.front()->receive_to_end();
  ASSERT_TRUE(rest.has_value());
  EXPECT_TRUE(rest->ends_with("\r\n0\r\n\r\n"));
}

// ---- over TLS

// Hasty in one thing, or others would be taken for slow on a busy machine.
ServerSpec secure_sites_with(const std::string& timeouts) {
  ServerSpec spec = secure_sites();
  spec.sites[0].more +=
      R"(, "minimum_rates": {"body": "1K", "response": "1M"}, "timeouts": {)" + timeouts + "}";
  spec.sites[0].files["page"] = std::string(8'000'000, 'x');
  return spec;
}

// A byte now and then, until there is an answer.
std::string trickle_until_answered(TlsClient& client, const Server& server,
                                   const std::string& problem) {
  const auto is_said = [&] { return contains(server.error_log(0), problem); };
  EXPECT_TRUE(eventually([&] {
    client.send("x");
    return is_said();
  })) << problem;
  return client.receive_until("\r\n\r\n");
}

TEST(SlowVisitorOverTls, TricklesAHeadOrABodyAndIsAnswered408) {
  const Server server(secure_sites_with(R"("head": "1s", "body": "300ms")"));
  TlsClient second(server.port(), named("a.example"));
  second.send(request("a.example") + "GET / HTTP/1.1\r\nHost: a.example\r\nX: ");
  EXPECT_TRUE(contains(second.receive_until("of a"), " 200 "));
  EXPECT_TRUE(contains(trickle_until_answered(second, server, "the head took too long"), " 408 "));
  TlsClient body(server.port(), named("a.example"));
  body.send(request("a.example", "/", "Content-Length: 1000000\r\n"));
  EXPECT_TRUE(contains(trickle_until_answered(body, server, "the body took too long"), " 408 "));
  EXPECT_TRUE(contains(tls_get(server.port(), "b.example", named("b.example")), "of b"));
}

TEST(SlowVisitorOverTls, TakesAResponseTooSlowlyAndIsCutOff) {
  const Server server(secure_sites_with(R"("send": "300ms")"));
  TlsClient client(server.port(), named("a.example"));
  client.send(request("a.example", "/page"));
  EXPECT_TRUE(error_log_has(server, 0, "GET /page: the client took the response too slowly"));
  EXPECT_LT(client.receive_to_end().size(), 8'000'000U);
}

TEST(SlowVisitorOverHttp2, TricklesABodyAndIsAnswered408WhileHisOtherStreamsGoOn) {
  const Server server(secure_sites_with(R"("body": "300ms")"));
  Http2Client client(server.port());
  const std::uint32_t slow =
      client.request(client.fields_of("GET", "/", {{"content-length", "1000000"}}), false);
  const auto is_said = [&] { return contains(server.error_log(0), "the body took too long"); };
  EXPECT_TRUE(eventually([&] {
    client.send_data(slow, "x", false);
    return is_said();
  }));
  EXPECT_EQ(client.response(slow).status, 408);
  EXPECT_EQ(client.response(client.get()).body, "of a");
}

}  // namespace
}  // namespace perchild::test::visitor_slow_test
