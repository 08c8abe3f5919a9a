// A hostile visitor who asks for what is dear to answer: heads made of what is looked for again and
// again, and paths that a site's own patterns despair of.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "test/hostile/lenient_backend.h"
#include "test/system/requests.h"

namespace perchild::test::visitor_costs_test {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

// What a process has computed until now.
Milliseconds processor_time_of(::pid_t pid) {
  std::uint64_t nanoseconds = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/schedstat") >> nanoseconds;
  return std::chrono::nanoseconds(nanoseconds);
}

std::string repeated(const std::string& part, std::size_t bytes) {
  std::string text;
  while (text.size() + part.size() <= bytes) text += part;
  return text;
}

struct Dear {
  std::string name;
  std::string bytes;
};

std::string fields_of(int count, const std::string& more) {
  std::string fields = more;
  for (int i = 0; i < count; ++i) fields += "x" + std::to_string(i) + ":\r\n";
  return fields;
}

// All of nearly 16 KiB, or 8 KiB of target.
std::vector<Dear> dear_requests(const std::string& path) {
  const auto with = [&](const std::string& fields) { return request("a.example", path, fields); };
  constexpr std::size_t room = 14'000;
  return {
      {"many fields", with(fields_of(98, ""))},
      {"many fields of one name", with(repeated("x:\r\n", 4 * 98))},
      {"a Connection of many options",
       with(fields_of(90, "Connection: " + repeated("a,", room) + "\r\n"))},
      {"many Connection fields",
       with(repeated("Connection: " + repeated("a,", 120) + "\r\n", room))},
      {"many cookies", with("Cookie: " + repeated("a=b; ", room) + "\r\n")},
      {"many codings", with("Accept-Encoding: " + repeated("gzip;q=0.1,", room) + "\r\n")},
      {"many tags", with("If-None-Match: " + repeated("\"x\",", room) + "\"y\"\r\n")},
      {"many ranges", with("Range: bytes=" + repeated("0-0,", room) + "0-0\r\n")},
      {"many proxies", with("X-Forwarded-For: " + repeated("127.0.0.1,", room) + "127.0.0.1\r\n")},
      {"a long query", request("a.example", path + "?" + repeated("a=b&", 8000))},
      {"many segments", request("a.example", path + repeated("/a", 8000))},
      {"many dots", request("a.example", repeated("/a/..", 8000) + path)},
      {"many encoded bytes", request("a.example", path + "/" + repeated("%61", 700))}};
}

// The worker's, for one of them.
Milliseconds cost_of(const Server& server, const std::string& bytes, int times) {
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  const Milliseconds before = processor_time_of(worker);
  for (int i = 0; i < times; ++i) EXPECT_NE(ask(server, bytes).status, 0);
  return (processor_time_of(worker) - before) / times;
}

// Sanitizers make everything some ten times as dear.
constexpr Milliseconds little{20};

TEST(DearRequests, CostLittleWhateverAnswersThem) {
  LenientBackend backend(LenientBackend::Prefers::length);
  const std::string settings = R"(, "trusted_proxies": ["127.0.0.0/8"], "locations": [
    {"prefix": "/php", "php": true}, {"prefix": "/to")" +
                               backend.settings() + "}]";
  const Server server({.sites = {{"a.example", {{"index.html", "of a"}}, settings}}});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  for (const std::string path : {"/index.html", "/php/x.php", "/to"}) {
    for (const Dear& dear : dear_requests(path)) {
      EXPECT_LT(cost_of(server, dear.bytes, 5), little) << path << ", " << dear.name;
    }
  }
}

// Of which each would take longer than the world lasts.
TEST(DesperatePatterns, AreGivenUpSoonAndKeepNobodyElseWaiting) {
  const std::string settings = R"(, "locations": [{"pattern": "^/p/((a+)+)+$"}],
    "rewrite": [{"pattern": "^/w/(a|aa)+$", "to": "/x"}],
    "redirect": [{"pattern": "^/r/(.*)*(.*)*(.*)*!$", "to": "/x"}],
    "deny": ["*a*a*a*a*a*a*a*a*a*a*b"])";
  const Server server({.sites = {{"a.example", {{"index.html", "of a"}}, settings},
                                 {"b.example", {{"index.html", "of b"}}}}});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  for (const std::string path : {"/p/", "/w/", "/r/", "/"}) {
    const std::string dear = request("a.example", path + std::string(200, 'a') + "?");
    const Milliseconds cost = cost_of(server, dear, 3);
    EXPECT_LT(cost, 10 * little) << path;
  }
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
}

}  // namespace
}  // namespace perchild::test::visitor_costs_test
