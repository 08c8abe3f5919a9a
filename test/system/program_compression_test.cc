// What programs answer, in a content coding where their site says so.
#include <gtest/gtest.h>

#include <string>

#include "test/support/command.h"
#include "test/system/played_backend.h"
#include "test/system/requests.h"
#include "test/vhosts/files/decoded.h"

namespace perchild::test::program_compression_test {
namespace {

constexpr const char* on = R"(, "compression": {"programs": true})";

// A page of so many bytes, with the fields that it is asked for.
constexpr const char* page_script = R"(<?php
foreach (explode('|', $_GET['h'] ?? '') as $field) if ($field) header($field);
http_response_code((int)($_GET['s'] ?? 200));
if ($_GET['n'] ?? 0) for ($i = 0, $n = 0; $n < $_GET['n']; $i++) {
  echo $line = "<p>paragraph $i\n";
  $n += strlen($line);
})";

std::string page_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i)
    text += "<p>paragraph " + std::to_string(i) + "\n";
  return text;
}

ServerSpec php_site(const std::string& settings) {
  return {.sites = {{"a.example", {{"x.php", page_script}}, R"(, "php": true)" + settings}}};
}

struct Answer {
  std::string head;
  std::string body;

  // Its first value; "" if there is none.
  std::string field(const std::string& name) const {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const std::size_t from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }
};

Answer answer_to(const Server& server, const std::string& bytes) {
  Client client(server.port());
  client.send(bytes);
  const std::string all = client.receive_to_end().value_or("<open>");
  return {all.substr(0, all.find("\r\n\r\n") + 2), body_of(all)};
}

Answer get_with(const Server& server, const std::string& query, const std::string& codings,
                const std::string& method = "GET") {
  return answer_to(server,
                   request("a.example", "/x.php?" + query,
                           "Accept-Encoding: " + codings + "\r\nConnection: close\r\n", method));
}

std::string decoded(const std::string& coding, const std::string& body) {
  return coding == "br" ? unbrotli(body) : gunzip(body);
}

std::string decoded_so_far(const std::string& coding, const std::string& body) {
  return coding == "br" ? unbrotli_so_far(body) : gunzip_so_far(body);
}

// The body of a response in chunks, as far as they are there whole.
std::string chunks_so_far(const std::string& response) {
  std::string body;
  std::size_t at = response.find("\r\n\r\n");
  if (at == std::string::npos) return body;
  at += 4;
  for (;;) {
    const std::size_t line = response.find("\r\n", at);
    if (line == std::string::npos) return body;
    const std::size_t size = std::stoul(response.substr(at, line - at), nullptr, 16);
    if (size == 0 || response.size() < line + 2 + size + 2) return body;
    body += response.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
}

// Whether `wanted` can be seen with what is still to come behind `got`.
bool shows(Client& client, std::string& got, const std::string& coding, const std::string& wanted) {
  while (decoded_so_far(coding, chunks_so_far(got)) != wanted) {
    const std::string more = client.receive_some();
    if (more.empty()) return false;
    got += more;
  }
  return true;
}

TEST(ProgramCompression, IsOffUnlessTheSiteSaysSo) {
  const Server server(php_site(""));
  const Answer response = get_with(server, "n=5000", "gzip, br");
  EXPECT_EQ(response.field("Content-Encoding"), "");
  EXPECT_EQ(response.field("Vary"), "");
  EXPECT_EQ(response.body, page_of(5000)) << server.error_log(0);
}

TEST(ProgramCompression, APageIsSentInTheCodingThatTheClientTakes) {
  const Server server(php_site(on));
  for (const std::string coding : {"gzip", "br"}) {
    const std::string query = "n=5000&h=ETag:%20%22x%22|Accept-Ranges:%20bytes|Vary:%20Cookie";
    const Answer page = get_with(server, query, coding);
    EXPECT_EQ(page.field("Content-Encoding"), coding) << server.error_log(0);
    EXPECT_TRUE(decoded(coding, page.body) == page_of(5000));
    EXPECT_LT(page.body.size(), 2000U);
    EXPECT_EQ(page.field("ETag"), "W/\"x\"");
    EXPECT_EQ(page.field("Accept-Ranges"), "");
    EXPECT_TRUE(contains(page.head, "Vary: Cookie\r\n"));
    EXPECT_TRUE(contains(page.head, "Vary: Accept-Encoding\r\n"));
    // More than is sent at once.
    const Answer large = get_with(server, "n=2000000", coding);
    EXPECT_EQ(large.field("Content-Encoding"), coding);
    EXPECT_TRUE(decoded(coding, large.body) == page_of(2'000'000));
  }
  const Answer plain = get_with(server, "n=5000&h=ETag:%20%22x%22", "identity");
  EXPECT_EQ(plain.field("Content-Encoding"), "");
  EXPECT_EQ(plain.field("ETag"), "\"x\"");
  EXPECT_EQ(plain.field("Vary"), "Accept-Encoding");
  EXPECT_EQ(plain.body, page_of(5000));
}

TEST(ProgramCompression, WhatIsSmallOrNoTextOrMustStayIsSentAsItIs) {
  const Server server(php_site(on));
  for (const char* query :
       {"n=100", "n=5000&h=Content-Type:%20image/png", "n=5000&h=Content-Encoding:%20x",
        "n=5000&h=Cache-Control:%20no-transform", "n=5000&h=Content-Type:%20text/event-stream",
        "n=5000&h=X-Accel-Buffering:%20no", "n=5000&s=206",
        "n=5000&h=Content-Range:%20bytes%200-4999/9999"}) {
    const Answer response = get_with(server, query, "gzip, br");
    EXPECT_TRUE(response.body.starts_with("<p>paragraph 0\n")) << query;
    EXPECT_EQ(response.field("Vary"), "") << query;
  }
  for (const std::string status : {"204", "304"}) {
    const Answer response = get_with(server, "h=ETag:%20%22x%22&s=" + status, "gzip");
    EXPECT_TRUE(contains(response.head, " " + status + " ")) << response.head;
    EXPECT_EQ(response.field("Content-Encoding"), "");
    EXPECT_EQ(response.field("ETag"), "\"x\"");
  }
  for (const std::string tag : {"\"x\"", "W/\"x\""}) {
    const Answer response =
        get_with(server, "h=ETag:%20%22x%22&s=304", "gzip\r\nIf-None-Match: \"y\", " + tag);
    EXPECT_EQ(response.field("ETag"), tag);
  }
}

TEST(ProgramCompression, HeadAndOldClientsGetNoBodyInACoding) {
  const Server server(php_site(on));
  for (const char* name : {"Content-Encoding", "Vary", "ETag"}) {
    const std::string query = "n=5000&h=ETag:%20%22x%22";
    EXPECT_EQ(get_with(server, query, "gzip", "HEAD").field(name),
              get_with(server, query, "gzip").field(name));
  }
  const Answer head = get_with(server, "n=5000", "gzip", "HEAD");
  EXPECT_EQ(head.field("Content-Encoding"), "gzip");
  EXPECT_EQ(head.field("Content-Length"), "");
  EXPECT_EQ(head.body, "");
  const Answer sized = get_with(server, "n=1&h=Content-Length:%205000", "gzip", "HEAD");
  EXPECT_EQ(sized.field("Content-Encoding"), "gzip");
  EXPECT_EQ(sized.field("Content-Length"), "");
  const Answer old = answer_to(server,
                               "GET /x.php?n=5000 HTTP/1.0\r\nHost: a.example\r\n"
                               "Accept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(old.field("Content-Encoding"), "");
  EXPECT_EQ(old.field("Vary"), "Accept-Encoding");
  EXPECT_TRUE(contains(old.body, "<p>paragraph 5\n"));
}

TEST(ProgramCompression, WhatHasBeenSaidSoFarIsSeen) {
  PlayedBackend backend;
  const Server server({.sites = {{"a.example", {}, backend.settings() + on}}});
  for (const std::string coding : {"gzip", "br"}) {
    Client client(server.port());
    client.send(request("a.example", "/", "Accept-Encoding: " + coding + "\r\n"));
    if (coding == "gzip") backend.accept();
    static_cast<void>(backend.receive_until("\r\n\r\n"));
    const std::string first = page_of(3000);
    const std::string second = "<p>and more\n";
    backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " +
                 std::to_string(first.size() + second.size()) + "\r\n\r\n" + first);
    std::string got;
    EXPECT_TRUE(shows(client, got, coding, first)) << coding;
    EXPECT_TRUE(contains(got, "Content-Encoding: " + coding + "\r\n")) << got.substr(0, 300);
    backend.send(second);
    EXPECT_TRUE(shows(client, got, coding, first + second)) << coding;
    while (!got.ends_with("\r\n0\r\n\r\n")) {
      const std::string more = client.receive_some();
      ASSERT_FALSE(more.empty());
      got += more;
    }
    EXPECT_TRUE(decoded(coding, body_of(got)) == first + second) << coding;
  }
}

TEST(ProgramCompression, WhatPhpFlushesIsSeenBeforeItGoesOn) {
  const std::string waits = R"(<?php
echo 'wait'; @ob_end_flush(); flush();
while (!file_exists(__DIR__ . '/go.txt')) { usleep(2000); clearstatcache(); }
echo ' and go';)";
  Server server(
      {.sites = {{"a.example", {{"x.php", waits}}, R"(, "php": true)" + std::string(on)}}});
  Client client(server.port());
  client.send(request("a.example", "/x.php", "Accept-Encoding: gzip\r\n"));
  std::string got;
  EXPECT_TRUE(shows(client, got, "gzip", "wait")) << got << server.error_log(0);
  server.add_file(0, "go.txt", "");
  EXPECT_TRUE(shows(client, got, "gzip", "wait and go")) << server.error_log(0);
}

TEST(ProgramCompression, OverHttp2ItHasNoFraming) {
  ServerSpec spec = php_site(on);
  spec.listen =
      R"([{ "address": "127.0.0.1:PORT", "default": "a.example", "http2": "prior-knowledge" }])";
  const Server server(spec);
  const std::string port = std::to_string(server.port());
  const CommandEnd end =
      run_command({"curl", "-sS", "--http2-prior-knowledge", "--compressed", "--max-time", "20",
                   "--resolve", "a.example:" + port + ":127.0.0.1", "-w",
                   "|%header{content-encoding}", "http://a.example:" + port + "/x.php?n=300000"});
  EXPECT_TRUE(end.output == page_of(300'000) + "|br" || end.output == page_of(300'000) + "|gzip")
      << end.output.substr(0, 300) << end.output.size();
}

TEST(ProgramCompression, AResponseThatEndsEarlyIsCutOff) {
  PlayedBackend backend;
  const Server server({.sites = {{"a.example", {}, backend.settings() + on}}});
  Client client(server.port());
  client.send(request("a.example", "/", "Accept-Encoding: gzip\r\n"));
  backend.accept();
  static_cast<void>(backend.receive_until("\r\n\r\n"));
  backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n" +
               page_of(3000));
  const std::string begin = client.receive_some();
  EXPECT_TRUE(contains(begin, "Content-Encoding: gzip\r\n")) << begin.substr(0, 300);
  backend.close();
  EXPECT_FALSE(client.receive_to_end().value_or("").ends_with("0\r\n\r\n"));
  EXPECT_TRUE(error_log_has(server, 0, "the backend closed in the middle of its response"));
}

}  // namespace
}  // namespace perchild::test::program_compression_test
