// Bodies that are kept whole before a program gets them: most of them on the site's own disk.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "test/support/command.h"
#include "test/support/temporary_directory.h"
#include "test/system/kept.h"
#include "test/system/requests.h"

namespace perchild::test::kept_bodies_test {
namespace {

constexpr std::size_t mebibyte = 1U << 20U;
constexpr const char* more = R"(, "cgi": true, "php": true, "limits": {"body": "96M"})";
constexpr const char* sum_of_input = "#!/bin/sh\nprintf 'A: b\\n\\n'; sha256sum\n";

ServerSpec site() {
  return {.sites = {
              {"a.example",
               {{"page", "a page"}, {"sum.php", "<?php echo hash_file('sha256', 'php://input');"}},
               more}}};
}

std::string different_bytes(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  for (char& each : bytes) each = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return bytes;
}

std::string sum_of(const std::string& bytes) {
  const TemporaryDirectory folder;
  return run_command({"/usr/bin/sha256sum", folder.write("bytes", bytes)}).output.substr(0, 64);
}

std::string head_of(const std::string& target) {
  return request("a.example", target, "Connection: close\r\nTransfer-Encoding: chunked\r\n",
                 "POST");
}
std::string chunk_of(const std::string& bytes) {
  char line[16];
  std::snprintf(line, sizeof line, "%zx\r\n", bytes.size());
  return line + bytes + "\r\n";
}
constexpr const char* last_chunk = "0\r\n\r\n";

TEST(KeptBodies, ReachProgramsWholeThoughLittleOfThemIsInMemory) {
  Server server(site());
  server.add_file(0, "cgi-bin/sum", sum_of_input, 0700);
  // From half of the memory on there is a file.
  Client first(server.port());
  first.send(head_of("/cgi-bin/sum"));
  const std::string first_body = different_bytes(6 * mebibyte, 1);
  first.send(chunk_of(first_body));
  ASSERT_TRUE(eventually([&] { return kept_by_worker(server).has_file(); })) << server.error_log(0);
  Client by_cgi(server.port()), by_php(server.port());
  by_cgi.send(head_of("/cgi-bin/sum"));
  by_php.send(head_of("/sum.php"));
  std::string body_of_cgi, body_of_php;
  for (unsigned i = 0; i < 12; ++i) {
    body_of_cgi += different_bytes(mebibyte, 10 + i);
    body_of_php += different_bytes(mebibyte - 7, 30 + i);
    by_cgi.send(chunk_of(body_of_cgi.substr(i * mebibyte)));
    by_php.send(chunk_of(body_of_php.substr(i * (mebibyte - 7))));
  }
  EXPECT_TRUE(eventually([&] { return kept_by_worker(server).on_disk > 20 * mebibyte; }))
      << kept_by_worker(server).on_disk;
  EXPECT_LE(kept_by_worker(server).in_memory, 8 * mebibyte);
  for (Client* client : {&by_php, &first, &by_cgi}) client->send(last_chunk);
  EXPECT_TRUE(contains(first.receive_to_end().value_or(""), sum_of(first_body)));
  EXPECT_TRUE(contains(by_cgi.receive_to_end().value_or(""), sum_of(body_of_cgi)));
  EXPECT_TRUE(contains(by_php.receive_to_end().value_or(""), sum_of(body_of_php)));
  // The disk has its room back.
  EXPECT_TRUE(eventually([&] {
    const Kept kept = kept_by_worker(server);
    return kept.has_file() && kept.on_disk == 0 && kept.in_memory == 0;
  }));
  EXPECT_EQ(server.stop(), 0);
}

TEST(KeptBodies, AreRefusedBeyondMuchMemoryWhereTheSiteMayNotWrite) {
  Server server(site());
  server.add_file(0, "cgi-bin/sum", sum_of_input, 0700);
  ASSERT_EQ(::chmod(server.docroot(0).c_str(), 0500), 0);
  const std::string body = different_bytes(24 * mebibyte, 1);
  Client kept(server.port());
  kept.send(head_of("/cgi-bin/sum") + chunk_of(body));
  EXPECT_TRUE(error_log_has(
      server, 0, "no file for bodies: open " + server.docroot(0) + ": Permission denied"));
  EXPECT_EQ(ask(server, head_of("/cgi-bin/sum") + chunk_of(std::string(48 * mebibyte, 'x'))).status,
            503);
  EXPECT_TRUE(error_log_has(server, 0, "no memory to keep the body in, and no file"));
  EXPECT_LE(kept_by_worker(server).in_memory, 64 * mebibyte);
  kept.send(last_chunk);
  EXPECT_TRUE(contains(kept.receive_to_end().value_or(""), sum_of(body)));
  EXPECT_EQ(get(server.port(), "a.example", "/page").body, "a page");
}

TEST(KeptBodies, AreRefusedWhenTheDiskIsFull) {
  ServerSpec spec = site();
  spec.before_exec = small_disk("4m", {{"cgi-bin/sum", sum_of_input}});
  Server server(spec);
  Client first(server.port());
  const std::string body = different_bytes(6 * mebibyte, 1);
  first.send(head_of("/cgi-bin/sum") + chunk_of(body));
  ASSERT_TRUE(eventually([&] { return kept_by_worker(server).has_file(); })) << server.error_log(0);
  Client client(server.port());
  client.send(head_of("/cgi-bin/sum") + chunk_of(std::string(16 * mebibyte, 'x')));
  const HttpResponse refusal = client.receive();
  EXPECT_EQ(refusal.status, 507);
  EXPECT_EQ(refusal.fields.at("connection"), "close");
  EXPECT_TRUE(error_log_has(server, 0, "the disk has no room to keep the body in"));
  first.send(last_chunk);
  const std::string answer = first.receive_to_end().value_or("");
  EXPECT_TRUE(contains(answer, sum_of(body))) << answer << server.error_log(0);
}

}  // namespace
}  // namespace perchild::test::kept_bodies_test
