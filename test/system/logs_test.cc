// The sites' logs: what is in them, whose they are, and what becomes of them in trouble.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "test/support/matches.h"
#include "test/support/own_mounts.h"
#include "test/system/asking.h"

namespace perchild::test::logs_test {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

const char* const combined_format =
    "127\\.0\\.0\\.1 - - \\[[0-3][0-9]/[A-Z][a-z]{2}/20[0-9]{2}(:[0-9]{2}){3} [+-][0-9]{4}\\] "
    "\"[] !#-[^-~]*(\\\\x[0-9A-F]{2}[] !#-[^-~]*)*\" [1-5][0-9]{2} (-|[1-9][0-9]*) "
    "\"[^\"]+\" \"[^\"]+\"";

bool is_combined(const std::string& line) {
  return matches(line, combined_format);
}

TEST(Logs, TheAccessLogIsInTheCombinedFormat) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(request("a.example", "/?q=1",
                      "Referer: http://b.example/x\r\nUser-Agent: Browser/1.0 (X; Y)\r\n") +
              request("a.example", "/missing", "", "HEAD"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive(true).status, 404);
  ASSERT_TRUE(eventually([&] { return count_of(server.access_log(0), "\n") == 2; }));
  const auto lines = lines_of(server.access_log(0));
  for (const std::string& line : lines) {
    EXPECT_TRUE(is_combined(line)) << line;
  }
  EXPECT_TRUE(lines[0].ends_with(
      R"line(] "GET /?q=1 HTTP/1.1" 200 4 "http://b.example/x" "Browser/1.0 (X; Y)")line"))
      << lines[0];
  EXPECT_TRUE(lines[1].ends_with(R"(] "HEAD /missing HTTP/1.1" 404 - "-" "-")")) << lines[1];
}

TEST(Logs, WhatAClientSendsCannotForgeALine) {
  Server server({.sites = two_sites()});
  const std::vector<std::string> hostile{
      "GET /\x1b[31m HTTP/1.1\r\n",   "GET /\n1.2.3.4 - - [] HTTP/1.1\r\n",
      "GET /\"\\ HTTP/1.1\r\n",       "GE\"T / HTTP/1.1\r\n",
      "\x16\x03\x01\x7f\x80\xff\r\n", "GET /?\xe2\x80\xae HTTP/1.1\r\n"};
  for (const std::string& line : hostile) {
    Client client(server.port());
    client.send(request("a.example") + line + "Host: a.example\r\n\r\n");
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_NE(client.receive().status, 0);
  }
  ASSERT_TRUE(
      eventually([&] { return count_of(server.access_log(0), "\n") == 2 * hostile.size(); }));
  for (const std::string& line : lines_of(server.access_log(0))) {
    EXPECT_TRUE(is_combined(line)) << line;
  }
}

TEST(Logs, FieldsOfARequestAreEscaped) {
  Server server({.sites = two_sites()});
  Client client(server.port());
  client.send(
      request("a.example", "/", "User-Agent: x\" 200 1 \\ \xff\t\x80\r\nReferer: \"\\x22\r\n"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(
      access_log_has(server, 0,
                     R"("GET / HTTP/1.1" 200 4 "\x22\x5Cx22" "x\x22 200 1 \x5C \xFF\x09\x80")"
                     "\n"))
      << server.access_log(0);
}

TEST(Logs, TheErrorLogSaysWhoAskedForWhatAndWhy) {
  Server server({.sites = {{"a.example", {{"folder/x", ""}}}}});
  EXPECT_EQ(get(server.port(), "a.example", "/folder/").status, 403);
  ASSERT_TRUE(error_log_has(server, 0, "\n"));
  EXPECT_TRUE(
      matches(server.error_log(0),
              "\\[20[0-9]{2}-[01][0-9]-[0-3][0-9]T([0-9]{2}:){2}[0-9]{2}[+-][0-9]{2}:[0-9]{2}\\] "
              "\\[warning\\] client 127\\.0\\.0\\.1:[0-9]+: GET /folder/: "
              "a directory without an index\n"))
      << server.error_log(0);
}

TEST(Logs, EveryRequestHasOneLineUnderConcurrencyAndItIsItsOwnSites) {
  constexpr int clients = 24;
  constexpr int requests = 50;
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}, R"(, "workers": 2)"},
                           {"b.example", {{"index.html", "of b"}}, R"(, "workers": 2)"}},
                 .routers = 2});
  const auto host_of = [](int client) { return client % 2 == 0 ? "a.example" : "b.example"; };
  const auto target_of = [&](int client, int number) {
    return "/?" + std::string(host_of(client)) + "-" + std::to_string(client) + "-" +
           std::to_string(number);
  };
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < clients; ++i) all.push_back(std::make_unique<Client>(server.port()));
  for (int number = 0; number < requests; ++number) {
    for (int i = 0; i < clients; ++i) {
      all[static_cast<std::size_t>(i)]->send(request(host_of(i), target_of(i, number)));
    }
  }
  for (const auto& client : all) {
    for (int number = 0; number < requests; ++number) ASSERT_EQ(client->receive().status, 200);
  }
  for (const std::size_t site : {0u, 1u}) {
    constexpr std::size_t expected = clients / 2 * requests;
    EXPECT_TRUE(eventually([&] { return count_of(server.access_log(site), "\n") == expected; }));
    const auto lines = lines_of(server.access_log(site));
    EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), expected);
    for (const std::string& line : lines) {
      ASSERT_TRUE(is_combined(line)) << line;
      EXPECT_TRUE(contains(line, std::string("\"GET /?") + host_of(static_cast<int>(site)) + "-"));
    }
  }
}

TEST(Logs, TheLogTreeIsTheMastersAndNobodyElseMayReadIt) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  struct ::stat facts {};
  ASSERT_EQ(::stat(server.log_directory().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_uid, master_uid);
  EXPECT_EQ(facts.st_mode & 07777, 0750u);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(server.log_directory())) {
    ASSERT_EQ(::lstat(entry.path().c_str(), &facts), 0);
    EXPECT_TRUE(S_ISREG(facts.st_mode)) << entry.path();
    EXPECT_EQ(facts.st_uid, master_uid) << entry.path();
    EXPECT_EQ(facts.st_mode & 07777, 0640u) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 2);  // b.example has not been asked for
}

// The open flags of each of the worker's descriptors that is a file of the log directory.
std::map<std::string, unsigned long> open_logs(const Server& server, ::pid_t worker) {
  std::map<std::string, unsigned long> logs;
  const std::string process = "/proc/" + std::to_string(worker);
  for (const auto& entry : std::filesystem::directory_iterator(process + "/fd")) {
    const std::string to = std::filesystem::read_symlink(entry.path());
    if (!to.starts_with(server.log_directory() + "/")) continue;
    std::ifstream info(process + "/fdinfo/" + entry.path().filename().string());
    for (std::string word; info >> word;) {
      if (word == "flags:" && info >> word) {
        logs[std::filesystem::path(to).filename()] = std::stoul(word, nullptr, 8);
      }
    }
  }
  return logs;
}

TEST(Logs, AWorkerHoldsItsOwnLogsToAppendToAndNothingElse) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(get(server.port(), "b.example").status, 200);
  const auto logs = open_logs(server, server.workers_of(0).at(0).pid);
  ASSERT_EQ(logs.size(), 2u);
  for (const char* name : {"a.example.access.log", "a.example.error.log"}) {
    ASSERT_TRUE(logs.contains(name));
    EXPECT_EQ(logs.at(name) & O_ACCMODE, static_cast<unsigned long>(O_WRONLY)) << name;
    EXPECT_NE(logs.at(name) & O_APPEND, 0u) << name;
  }
}

void expect_planted_link_is_refused(const std::string& kind) {
  Server server({.sites = two_sites()});
  const std::string victim = server.directory().write("victim", "untouched", 0666);
  const std::string log = server.log_directory() + "/a.example." + kind;
  std::filesystem::create_symlink(victim, log);
  const HttpResponse response = get(server.port(), "a.example");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.fields.at("retry-after"), "1");
  EXPECT_TRUE(server.wait_for_log("open log a.example." + kind + ": Too many levels of symbolic"));
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(read_file(victim), "untouched");
  std::filesystem::remove(log);
  EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example").status == 200; }, 30'000));
}

TEST(Logs, ALinkInTheAccessLogsPlaceIsRefusedAndOnlyItsSiteSuffers) {
  expect_planted_link_is_refused("access.log");
}

TEST(Logs, ALinkInTheErrorLogsPlaceIsRefusedAndOnlyItsSiteSuffers) {
  expect_planted_link_is_refused("error.log");
}

TEST(Logs, ASecondNameOrAForeignOwnerIsRefused) {
  Server server({.sites = two_sites()});
  const std::string secret = server.directory().write("secret", "");
  ASSERT_EQ(::chown(secret.c_str(), master_uid, master_uid), 0);
  std::filesystem::create_hard_link(secret, server.log_directory() + "/a.example.error.log");
  write_file(server.log_directory() + "/b.example.error.log", "", 0666);
  for (const char* host : {"a.example", "b.example"}) {
    EXPECT_EQ(get(server.port(), host).status, 503) << host;
    EXPECT_TRUE(server.wait_for_log("open log " + std::string(host) +
                                    ".error.log, which is not a file of ours alone"));
  }
}

// A file system of its own for the logs, seen by the server alone.
void mount_logs(const std::string& directory, const char* options) {
  const std::string logs = directory + "/log";
  if (!have_own_mounts() || ::mkdir(logs.c_str(), 0755) != 0 ||
      ::mount("tmpfs", logs.c_str(), "tmpfs", 0, options) != 0) {
    ::_exit(126);
  }
}

void mount_small_logs(const std::string& directory) {  // four pages
  mount_logs(directory, "size=16k,mode=0755");
}

void mount_few_logs(const std::string& directory) {  // its root, one site's, and two folders
  mount_logs(directory, "nr_inodes=5,mode=0755");
  for (const char* folder : {"/log/1", "/log/2"}) {
    if (::mkdir((directory + folder).c_str(), 0755) != 0) ::_exit(126);
  }
}

TEST(Logs, ASiteOfWhichTheLogCannotBeMadeIsAnswered503UntilItCan) {
  Server server({.sites = two_sites(), .before_exec = mount_few_logs});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const HttpResponse refused = get(server.port(), "b.example");
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.fields.contains("retry-after"));
  EXPECT_TRUE(server.wait_for_log(
      "worker of b.example cannot be started: open log b.example.error.log: No space left"));
  EXPECT_TRUE(server.wait_for_log("refused with 503: the site's worker cannot be started"));
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const std::string logs =
      "/proc/" + std::to_string(server.master()) + "/root" + server.log_directory();
  ASSERT_TRUE(std::filesystem::remove(logs + "/1"));
  EXPECT_TRUE(eventually([&] {
    static_cast<void>(get(server.port(), "b.example"));
    return contains(server.log(), "b.example: open log b.example.access.log: No space left");
  })) << server.log();
  ASSERT_TRUE(std::filesystem::remove(logs + "/2"));
  EXPECT_TRUE(eventually([&] { return get(server.port(), "b.example").body == "of b"; }));
}

TEST(Logs, AFullDiskDoesNotStopServingAndWhatWasLostIsSaid) {
  constexpr int requests = 2000;
  Server server({.sites = two_sites(), .before_exec = mount_small_logs});
  const std::string logs =
      "/proc/" + std::to_string(server.master()) + "/root" + server.log_directory();
  Client client(server.port());
  for (int i = 0; i < requests; ++i) {
    client.send(request("a.example"));
    ASSERT_EQ(client.receive().status, 200) << i;
  }
  const std::string access = logs + "/a.example.access.log";
  const auto written = std::filesystem::file_size(access);
  EXPECT_LE(written, 16u * 1024);
  EXPECT_GT(written, 0u);
  ASSERT_EQ(::truncate(access.c_str(), 0), 0);
  const auto said = [&] {
    client.send(request("a.example", "/?after"));
    return client.receive().status == 200 &&
           contains(read_file(logs + "/a.example.error.log"),
                    "lines of the access log lost while it could not be written: ");
  };
  // Each time with room again, for what had been kept back fills the disk once more.
  EXPECT_TRUE(eventually([&] { return ::truncate(access.c_str(), 0) == 0 && said(); }));
  EXPECT_TRUE(eventually([&] {
    return ::truncate(access.c_str(), 0) == 0 && said() &&
           contains(read_file(access), "\"GET /?after HTTP/1.1\" 200 4 ");
  }));
}

// ---- moved away, as by logrotate

TEST(ReopenedLogs, LinesGoToNewFilesAndNoneIsLost) {
  Server server({.sites = two_sites()});
  const std::string access = server.log_directory() + "/a.example.access.log";
  const std::string error = server.log_directory() + "/a.example.error.log";
  Client client(server.port());
  int requests = 0;
  const auto ask_again = [&] {
    client.send(request("a.example", "/number-" + std::to_string(requests++)));
    return client.receive().status;
  };
  for (int round = 1; round <= 5; ++round) {
    for (int i = 0; i < 20; ++i) ASSERT_EQ(ask_again(), 404);
    const std::string moved = "." + std::to_string(round);
    ASSERT_EQ(::rename(access.c_str(), (access + moved).c_str()), 0);
    ASSERT_EQ(::rename(error.c_str(), (error + moved).c_str()), 0);
    const CommandEnd end = ask_server(server, "reopen");
    ASSERT_EQ(end.status, 0) << end.output;
  }
  ASSERT_EQ(ask_again(), 404);
  ASSERT_TRUE(access_log_has(server, 0, "/number-100 "));
  std::string all = server.access_log(0);
  for (int round = 1; round <= 5; ++round) all += read_file(access + "." + std::to_string(round));
  for (int i = 0; i < requests; ++i) {
    EXPECT_EQ(count_of(all, "/number-" + std::to_string(i) + " "), 1U) << i;
  }
  EXPECT_EQ(server.workers_of(0).size(), 1U);
}

TEST(ReopenedLogs, ErrorsGoToTheNewFileToo) {
  Server server({.sites = two_sites()});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  const std::string error = server.log_directory() + "/a.example.error.log";
  ASSERT_EQ(::rename(error.c_str(), (error + ".1").c_str()), 0);
  ASSERT_EQ(ask_server(server, "reopen").status, 0);
  EXPECT_EQ(ask(server, "GET / HTTP/1.1\r\nHost: a.example\r\nExpect: x\r\n\r\n").status, 417);
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 421);
  EXPECT_TRUE(error_log_has(server, 0, "not this site's")) << server.error_log(0);
}

TEST(ReopenedLogs, IsForRootOnly) {
  Server server({.sites = two_sites()});
  const CommandEnd end = ask_server(server, "reopen", {}, uid_a);
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.output, "perchild: ask the server: only root may\n");
}

// ---- as JSON

TEST(JsonLogs, HaveAnObjectForEachRequest) {
  Server server({.sites = two_sites(R"(, "log": { "format": "json" })")});
  const std::string hostile =
      request("a.example", "/", "User-Agent: x\",\"status\":500,\"\\\xff\r\n");
  EXPECT_EQ(ask(server, hostile).status, 200);
  ASSERT_TRUE(access_log_has(server, 0, "}\n"));
  const auto line = nlohmann::json::parse(server.access_log(0));
  EXPECT_EQ(line.at("client"), "127.0.0.1");
  EXPECT_EQ(line.at("site"), "a.example");
  EXPECT_EQ(line.at("method"), "GET");
  EXPECT_EQ(line.at("target"), "/");
  EXPECT_EQ(line.at("status"), 200);
  EXPECT_EQ(line.at("user_agent"), "x\",\"status\":500,\"\\\u00ff");
  EXPECT_EQ(line.at("body_bytes"), 4);
  EXPECT_EQ(line.at("bytes_in"), hostile.size());
  EXPECT_GT(line.at("bytes_out"), 4);
  EXPECT_GT(line.at("microseconds"), 0);
}

}  // namespace
}  // namespace perchild::test::logs_test
