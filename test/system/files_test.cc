// What may be served and what may not, and files that change.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "test/system/requests.h"

namespace perchild::test::files_test {
namespace {

std::vector<SiteSpec> one_site() {
  return {{"a.example",
           {{"index.html", "of a"}, {"page.txt", "first"}, {"folder/inner.txt", "inner"}}}};
}

void own(const std::string& path) {
  ASSERT_EQ(::lchown(path.c_str(), uid_a, uid_a), 0);
}

TEST(Files, NoPathLeadsAboveTheDocroot) {
  Server server({.sites = one_site()});
  server.directory().write("secret.txt", "secret");
  for (const char* target : {"/../secret.txt", "/%2e%2e/secret.txt", "/folder/../../secret.txt",
                             "/..", "/folder/../..", "/./../secret.txt", "//../secret.txt"}) {
    const HttpResponse response = get(server.port(), "a.example", target);
    EXPECT_EQ(response.status, 400) << target;
    EXPECT_FALSE(contains(response.body, "secret")) << target;
  }
  EXPECT_TRUE(error_log_has(server, 0, "GET /../secret.txt: impossible path"));
  EXPECT_EQ(get(server.port(), "a.example", "/folder/../page.txt").body, "first");
  EXPECT_EQ(get(server.port(), "a.example", "/folder/./%69nner.txt").body, "inner");
}

TEST(Files, EncodedSlashesNulsAndControlCharactersNameNoFile) {
  Server server({.sites = one_site()});
  const auto status = [&](const char* target) {
    return get(server.port(), "a.example", target).status;
  };
  EXPECT_EQ(status("/folder%2Finner.txt"), 404);
  EXPECT_EQ(status("/page.txt%00"), 400);
  EXPECT_EQ(status("/page.txt%00.html"), 400);
  EXPECT_EQ(status("/page.txt%0A"), 400);
  EXPECT_EQ(status("/page.txt%"), 400);
  EXPECT_EQ(status("/page.txt%4"), 400);
  EXPECT_EQ(status("/page.txt/"), 404);
  EXPECT_EQ(status(("/" + std::string(256, 'x')).c_str()), 404);
}

TEST(Files, LinksAreFollowedInsideTheDocrootOnly) {
  Server server({.sites = one_site()});
  const std::string outside = server.directory().write("outside.txt", "outside");
  const auto link = [&](const std::string& to, const std::string& name) {
    std::filesystem::create_symlink(to, server.docroot(0) + "/" + name);
    own(server.docroot(0) + "/" + name);
    return get(server.port(), "a.example", "/" + name);
  };
  EXPECT_EQ(link("page.txt", "inside").body, "first");
  EXPECT_EQ(link("folder/../page.txt", "round").body, "first");
  EXPECT_EQ(link("missing", "dangling").status, 404);
  for (const auto& [name, to] : {std::pair<std::string, std::string>("absolute", outside),
                                 {"relative", "../outside.txt"},
                                 {"root", "/"},
                                 {"password", "/etc/passwd"},
                                 {"loop", "loop"}}) {
    EXPECT_EQ(link(to, name).status, 403) << name;
    EXPECT_TRUE(error_log_has(server, 0,
                              "GET /" + name +
                                  ": the site's user may not read it, or a "
                                  "link leads out of the docroot"));
  }
}

TEST(Files, FifosSocketsAndDevicesAreForbiddenAndHangNobody) {
  Server server({.sites = one_site()});
  const std::string fifo = server.docroot(0) + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
  own(fifo);
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = server.docroot(0) + "/socket";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
  own(path);
  for (const char* name : {"/fifo", "/socket"}) {
    EXPECT_EQ(get(server.port(), "a.example", name).status, 403) << name;
    EXPECT_TRUE(error_log_has(server, 0, std::string("GET ") + name + ": not a regular file"));
  }
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
}

TEST(Files, WhatTheSitesUserCannotReadIsForbiddenAndSaid) {
  Server server({.sites = two_sites()});
  const std::string of_root = server.docroot(0) + "/root.txt";
  write_file(of_root, "root's", 0600);
  const std::string of_b = server.docroot(0) + "/b.txt";
  write_file(of_b, "b's", 0600);
  ASSERT_EQ(::chown(of_b.c_str(), uid_b, uid_b), 0);
  server.add_file(0, "own.txt", "a's", 0000);
  for (const char* target : {"/root.txt", "/b.txt", "/own.txt"}) {
    const HttpResponse response = get(server.port(), "a.example", target);
    EXPECT_EQ(response.status, 403) << target;
    EXPECT_TRUE(contains(response.body, "<h1>Forbidden</h1>"));
    EXPECT_TRUE(error_log_has(server, 0, std::string("GET ") + target + ": the site's user may"));
  }
  EXPECT_TRUE(contains(server.error_log(0), "[warning] client 127.0.0.1:"));
}

// What the next request on the same connection, and one on a new connection, get.
void expect_now(const Server& server, Client& client, int status, const std::string& body) {
  client.send(request("a.example", "/page.txt"));
  const HttpResponse kept = client.receive();
  const HttpResponse fresh = get(server.port(), "a.example", "/page.txt");
  EXPECT_EQ(kept.status, status);
  EXPECT_EQ(fresh.status, status);
  if (status != 200) return;
  EXPECT_EQ(kept.body, body);
  EXPECT_EQ(fresh.body, body);
}

TEST(Files, AChangedFileIsSeenByTheVeryNextRequest) {
  Server server({.sites = one_site()});
  const std::string path = server.docroot(0) + "/page.txt";
  Client client(server.port());
  expect_now(server, client, 200, "first");
  write_file(path, "Other", 0600);  // in place, of the same length
  expect_now(server, client, 200, "Other");
  write_file(path, "longer than before", 0600);
  expect_now(server, client, 200, "longer than before");
  server.add_file(0, "new.txt", "renamed");
  std::filesystem::rename(server.docroot(0) + "/new.txt", path);
  expect_now(server, client, 200, "renamed");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  expect_now(server, client, 403, {});
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  expect_now(server, client, 200, "renamed");
  std::filesystem::remove(path);
  expect_now(server, client, 404, {});
  server.add_file(0, "page.txt", "back again");
  expect_now(server, client, 200, "back again");
}

TEST(Files, EachOfManyChangesInARowIsSeen) {
  constexpr int changes = 500;
  Server server({.sites = one_site()});
  const std::string path = server.docroot(0) + "/page.txt";
  for (int i = 0; i < changes; ++i) {
    const std::string body = std::to_string(1000 + i);
    write_file(path, body, 0600);
    ASSERT_EQ(get(server.port(), "a.example", "/page.txt").body, body);
  }
}

// A sparse file of 64 MiB, of which every page begins with its number.
std::string big_file(const std::string& path) {
  constexpr std::size_t size = 64UL * 1024 * 1024;
  constexpr std::size_t step = 64UL * 1024;
  std::string contents(size, '\0');
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(::ftruncate(file.get(), static_cast<::off_t>(size)), 0);
  for (std::size_t at = 0; at < size; at += step) {
    const std::string mark = "at " + std::to_string(at);
    contents.replace(at, mark.size(), mark);
    EXPECT_EQ(::pwrite(file.get(), mark.data(), mark.size(), static_cast<::off_t>(at)),
              static_cast<ssize_t>(mark.size()));
  }
  own(path);
  return contents;
}

void shrink_receive_buffer(const Client& client) {
  // Not less: what does not fit into the window as one segment of the loopback device crawls.
  const int bytes = 256 * 1024;
  ASSERT_EQ(::setsockopt(client.fd().get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
}

TEST(Files, ABigFileReachesASlowReaderByteForByte) {
  Server server({.sites = one_site()});
  const std::string contents = big_file(server.docroot(0) + "/big");
  Client slow(server.port());
  shrink_receive_buffer(slow);
  slow.send(request("a.example", "/big") + request("a.example"));
  const HttpResponse head = slow.receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("content-length"), std::to_string(contents.size()));
  std::string body;
  int parts = 0;
  for (std::string part = slow.receive_some(); !part.empty(); part = slow.receive_some(1000)) {
    body += part;
    // Others are served in between.
    if (++parts % 500 == 0) {
      EXPECT_EQ(get(server.port(), "a.example").body, "of a");
    }
    if (body.size() > contents.size()) break;
  }
  ASSERT_GT(body.size(), contents.size());
  EXPECT_TRUE(body.substr(contents.size()).starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(std::equal(contents.begin(), contents.end(), body.begin()));
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /big HTTP/1.1\" 200 67108864 "));
}

TEST(Files, AFileThatIsTruncatedWhileBeingSentEndsTheConnection) {
  Server server({.sites = one_site()});
  const std::string path = server.docroot(0) + "/big";
  const std::string contents = big_file(path);
  Client client(server.port());
  shrink_receive_buffer(client);
  client.send(request("a.example", "/big"));
  EXPECT_EQ(client.receive(true).status, 200);
  ASSERT_EQ(::truncate(path.c_str(), 1024), 0);
  const auto body = client.receive_to_end();
  ASSERT_TRUE(body.has_value());
  EXPECT_LT(body->size(), contents.size());
  EXPECT_TRUE(contents.starts_with(*body));
  EXPECT_TRUE(access_log_has(server, 0, "\"GET /big HTTP/1.1\" 200 "));
  EXPECT_TRUE(error_log_has(server, 0, "a file cannot be read to its end, or became shorter"));
  EXPECT_EQ(get(server.port(), "a.example", "/big").body.size(), 1024u);
}

TEST(Files, AFileThatIsReplacedWhileBeingSentArrivesAsItWas) {
  Server server({.sites = one_site()});
  const std::string contents = big_file(server.docroot(0) + "/big");
  Client client(server.port());
  shrink_receive_buffer(client);
  client.send(request("a.example", "/big"));
  EXPECT_EQ(client.receive(true).status, 200);
  server.add_file(0, "new", "small");
  std::filesystem::rename(server.docroot(0) + "/new", server.docroot(0) + "/big");
  EXPECT_EQ(get(server.port(), "a.example", "/big").body, "small");
  client.close_sending();
  const auto body = client.receive_to_end();
  ASSERT_TRUE(body.has_value());
  EXPECT_TRUE(*body == contents);
}

TEST(Files, MoreFilesThanTheCacheHoldsAreServed) {
  constexpr int files = 600;
  Server server({.sites = {{"a.example", {}, R"(, "limits": { "cache": "64K" })"}}});
  const auto contents = [](int i) { return std::to_string(i) + std::string(1000, 'x'); };
  for (int i = 0; i < files; ++i) server.add_file(0, "f" + std::to_string(i), contents(i));
  Client client(server.port());
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < files; ++i) {
      client.send(request("a.example", "/f" + std::to_string(i)));
      ASSERT_EQ(client.receive().body, contents(i)) << i;
    }
  }
}

}  // namespace
}  // namespace perchild::test::files_test
