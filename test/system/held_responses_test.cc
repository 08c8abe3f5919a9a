// What programs answer to clients who take it slowly: held, so that the program is another's, and
// whole when it is taken.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/support/http2_client.h"
#include "test/system/kept.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"
#include "test/vhosts/files/decoded.h"

namespace perchild::test::held_responses_test {
namespace {

constexpr std::size_t mebibyte = 1U << 20U;
// Of what a client does not read, the kernel has some megabytes.
constexpr unsigned pieces = 170;  // 12 MiB

constexpr const char* numbers = R"(<?php
$to = 10000000 + 8192 * (int)$_GET['pieces'];
if (isset($_GET['length'])) header('Content-Length: ' . 72 * 1024 * (int)$_GET['pieces']);
echo str_repeat('x', (int)($_GET['before'] ?? 0));
for ($i = 10000000; $i < $to; $i += 8192) echo implode("\n", range($i, $i + 8191)), "\n";
)";
constexpr const char* trickle = R"(<?php
echo str_repeat('x', 12 << 20);
for (;;) { echo 'and so on'; ob_flush(); flush(); usleep(1000); }
)";

std::string body_of_numbers(std::size_t before = 0) {
  std::string body(before, 'x');
  for (unsigned i = 10'000'000; i < 10'000'000 + 8192 * pieces; ++i) {
    body.append(std::to_string(i)).append("\n");
  }
  return body;
}

const std::map<std::string, std::string> scripts{
    {"numbers.php", numbers}, {"trickle.php", trickle}, {"hello.php", "<?php echo 'hello';"}};

// One process for all visitors.
ServerSpec site(const std::string& more = {}) {
  return {.sites = {{"a.example", scripts, R"(, "php": {"max_processes": 1})" + more}}};
}

bool is_served(const Server& server) {
  return get(server.port(), "a.example", "/hello.php").body == "hello";
}

bool has_to_wait(const Server& server) {
  Client client(server.port());
  client.send(request("a.example", "/hello.php"));
  return client.receive(false, 500).status == 0;
}

std::string target_of(const std::string& more = {}) {
  return "/numbers.php?pieces=" + std::to_string(pieces) + more;
}

// Whose answer has begun, and who takes nothing more of it.
std::unique_ptr<Client> slow_reader(const Server& server, const std::string& target,
                                    const std::string& fields = {}) {
  auto client = std::make_unique<Client>(server.port());
  client->send(request("a.example", target, "Connection: close\r\n" + fields));
  char first;
  EXPECT_TRUE(eventually(
      [&] { return ::recv(client->fd().get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1; }));
  return client;
}

std::string rest_for(Client& client) {
  return body_of(client.receive_to_end(30'000).value_or("<no end>"));
}

std::size_t anonymous_memory_of(const Server& server) {
  const std::string pid = std::to_string(server.workers_of(0).at(0).pid);
  const std::string status = read_file("/proc/" + pid + "/status");
  return std::stoul(status.substr(status.find("RssAnon:") + 8)) * 1024;
}

bool disk_is_free(const Server& server) {
  return eventually([&] { return kept_by_worker(server).on_disk == 0; });
}

TEST(HeldResponses, FreeTheirProgramAndComeWhole) {
  Server server(site());
  ASSERT_TRUE(is_served(server));
  EXPECT_FALSE(kept_by_worker(server).has_file());
  const std::size_t memory = anonymous_memory_of(server);
  std::vector<std::unique_ptr<Client>> readers;
  for (const char* more : {"", "&length", ""}) {
    readers.push_back(slow_reader(server, target_of(more)));
    EXPECT_TRUE(is_served(server));
  }
  EXPECT_GT(kept_by_worker(server).on_disk, 15 * mebibyte);
  EXPECT_LT(anonymous_memory_of(server), memory + 12 * mebibyte);
  const std::string body = body_of_numbers();
  for (const auto& reader : readers) EXPECT_TRUE(rest_for(*reader) == body);
  EXPECT_TRUE(disk_is_free(server));
  EXPECT_EQ(server.stop(), 0);
}

TEST(HeldResponses, OverHttp2LikewiseHoweverItsWindowsOpen) {
  ServerSpec spec = site(R"(, "tls": "self-signed")");
  spec.listen = tls_listener;
  const Server server(spec);
  Http2Client slow(server.port());
  slow.credits = false;
  const std::uint32_t stream = slow.get(target_of());
  while (slow.so_far(stream).body.empty()) ASSERT_TRUE(slow.receive());
  Http2Client other(server.port());
  EXPECT_EQ(other.response(other.get("/hello.php")).body, "hello");
  // On the same connection, as well.
  const std::uint32_t beside = slow.get("/hello.php");
  slow.send_frame({.type = NGHTTP2_WINDOW_UPDATE, .payload = number_bytes(100'000)});
  EXPECT_EQ(slow.response(beside).body, "hello");
  slow.credits = true;
  slow.send_frame({.type = NGHTTP2_WINDOW_UPDATE, .payload = number_bytes(1'000'000)});
  slow.send_frame({NGHTTP2_WINDOW_UPDATE, 0, stream, number_bytes(1'000'000)});
  const Http2Response& response = slow.response(stream);
  EXPECT_TRUE(response.ended);
  EXPECT_TRUE(response.body == body_of_numbers());
  EXPECT_TRUE(disk_is_free(server));
}

TEST(HeldResponses, InAContentCodingLikewise) {
  Server server(site(R"(, "compression": {"programs": true})"));
  std::string text(10 * mebibyte, '\0');
  unsigned state = 1;
  for (char& each : text) each = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  server.add_file(0, "text", text);
  server.add_file(0, "text.php", "<?php header('Content-Type: text/plain'); readfile('text');");
  const auto reader = slow_reader(server, "/text.php", "Accept-Encoding: gzip\r\n");
  EXPECT_TRUE(is_served(server));
  EXPECT_TRUE(kept_by_worker(server).has_file());
  EXPECT_TRUE(gunzip(rest_for(*reader)) == text);
  EXPECT_TRUE(disk_is_free(server));
}

TEST(HeldResponses, OfWhoGoesTakeNoRoom) {
  const Server server(site());
  auto reader = slow_reader(server, target_of());
  EXPECT_TRUE(is_served(server));
  EXPECT_GT(kept_by_worker(server).on_disk, 0U);
  reader.reset();
  EXPECT_TRUE(disk_is_free(server));
}

// Its end would be taken for that of the response.
TEST(HeldResponses, ThatCannotBeReadAreCutOff) {
  const Server server(site());
  const auto reader = slow_reader(server, target_of());
  EXPECT_TRUE(is_served(server));
  ASSERT_EQ(::truncate(kept_by_worker(server).file.c_str(), 0), 0);
  EXPECT_TRUE(contains(rest_for(*reader), "<cut off>"));
  EXPECT_TRUE(error_log_has(server, 0, "what is kept of the program's response cannot be read"));
  EXPECT_TRUE(is_served(server));
}

// ---- what cannot be held waits in its program, and is no less whole

TEST(HeldResponses, ThatFindNoRoomOnTheDiskComeWhole) {
  ServerSpec spec = site();
  spec.before_exec = small_disk("3m", scripts);
  const Server server(spec);
  ASSERT_TRUE(is_served(server));
  const auto reader = slow_reader(server, target_of());
  ASSERT_TRUE(eventually([&] { return kept_by_worker(server).on_disk > 2 * mebibyte; }));
  EXPECT_TRUE(has_to_wait(server));
  EXPECT_TRUE(rest_for(*reader) == body_of_numbers());
  EXPECT_TRUE(is_served(server));
  EXPECT_TRUE(disk_is_free(server));
}

TEST(HeldResponses, OfASiteThatMayNotWriteComeWhole) {
  const Server server(site());
  ASSERT_EQ(::chmod(server.docroot(0).c_str(), 0500), 0);
  const auto reader = slow_reader(server, target_of());
  EXPECT_TRUE(error_log_has(server, 0, "no file for bodies: open "));
  EXPECT_TRUE(has_to_wait(server));
  EXPECT_TRUE(rest_for(*reader) == body_of_numbers());
  EXPECT_TRUE(is_served(server));
}

TEST(HeldResponses, OfMoreThanMayBeHeldComeWhole) {
  constexpr std::size_t before = 62 * mebibyte;
  const Server server(site());
  ASSERT_TRUE(is_served(server));
  const auto reader = slow_reader(server, target_of("&before=" + std::to_string(before)));
  ASSERT_TRUE(eventually([&] { return kept_by_worker(server).on_disk > 63 * mebibyte; }));
  EXPECT_TRUE(has_to_wait(server));
  EXPECT_LE(kept_by_worker(server).on_disk, 64 * mebibyte);
  EXPECT_TRUE(rest_for(*reader) == body_of_numbers(before));
  EXPECT_TRUE(is_served(server));
  EXPECT_TRUE(disk_is_free(server));
}

TEST(HeldResponses, OfAClientWhoTakesNothingEndThoughTheirProgramGoesOn) {
  const Server server(site(R"(, "timeouts": {"send": "1s"})"));
  const auto reader = slow_reader(server, "/trickle.php");
  EXPECT_TRUE(error_log_has(server, 0, "the client took the response too slowly"));
  EXPECT_TRUE(is_served(server));
  EXPECT_TRUE(disk_is_free(server));
}

// ---- applications

// One request at a time.
constexpr const char* application = R"(import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self): return 'somebody'
    def log_message(self, *a): pass
    def do_GET(self):
        body = b'x' * (12 << 20) if self.path == '/long' else b'hello'
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
listener = socket.socket(fileno=3)
while True:
    Handler(listener.accept()[0], ('', 0), None)
)";

ServerSpec site_of_application(const std::string& more) {
  return {
      .sites = {{"a.example",
                 {{"app.py", application}},
                 R"(, "app": {"command": ["/usr/bin/python3", "-SE", "app.py"])" + more + "}"}}};
}

TEST(HeldResponses, FreeAnApplication) {
  const Server server(site_of_application({}));
  const auto reader = slow_reader(server, "/long");
  EXPECT_EQ(get(server.port(), "a.example").body, "hello");
  EXPECT_TRUE(rest_for(*reader) == std::string(12 * mebibyte, 'x'));
}

TEST(HeldResponses, AreNoneOfAnApplicationThatGetsBodiesAsTheyCome) {
  const Server server(site_of_application(R"(, "request_buffer": 0)"));
  const auto reader = slow_reader(server, "/long");
  Client other(server.port());
  other.send(request("a.example"));
  EXPECT_EQ(other.receive(false, 1000).status, 0);
  EXPECT_FALSE(kept_by_worker(server).has_file());
  EXPECT_TRUE(rest_for(*reader) == std::string(12 * mebibyte, 'x'));
  EXPECT_EQ(other.receive().body, "hello");
}

}  // namespace
}  // namespace perchild::test::held_responses_test
