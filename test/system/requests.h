// Requests as a client writes them, and what the tests here ask again and again.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <cstddef>
#include <string>
#include <vector>

#include "test/support/client.h"
#include "test/support/matches.h"
#include "test/support/server.h"

namespace perchild::test {

// "GET /x HTTP/1.1", Host, `fields` (each with its CRLF) and the empty line.
inline std::string request(const std::string& host, const std::string& target = "/",
                           const std::string& fields = {}, const std::string& method = "GET") {
  return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
}

// The response to one request on a connection of its own.
inline HttpResponse ask(const Server& server, const std::string& bytes, bool head_only = false) {
  Client client(server.port());
  client.send(bytes);
  return client.receive(head_only);
}

inline std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// The body of a whole response in chunks, or all that stands behind another's head.
inline std::string body_of(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  if (end == std::string::npos) return "<no head>";
  std::string rest = response.substr(end + 4);
  if (response.substr(0, end).find("Transfer-Encoding: chunked") == std::string::npos) return rest;
  std::string body;
  for (std::size_t at = 0;;) {
    const std::size_t line = rest.find("\r\n", at);
    if (line == std::string::npos) return body + "<cut off>";
    const std::size_t size = std::stoul(rest.substr(at, line - at), nullptr, 16);
    if (size == 0) return body;
    body += rest.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
}

// Logs are written behind the response.
inline bool access_log_has(const Server& server, std::size_t site, const std::string& part) {
  return eventually([&] { return contains(server.access_log(site), part); });
}
inline bool error_log_has(const Server& server, std::size_t site, const std::string& part) {
  return eventually([&] { return contains(server.error_log(site), part); });
}

// Stopped for certain: the signal alone says little about when.
inline void stop_process(::pid_t pid) {
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  ASSERT_TRUE(eventually([&] {
    return contains(read_file("/proc/" + std::to_string(pid) + "/status"), "State:\tT");
  }));
}

// Sites a.example and b.example, whose index says which it is.
inline std::vector<SiteSpec> two_sites(const std::string& more_of_a = {}) {
  return {{"a.example", {{"index.html", "of a"}}, more_of_a},
          {"b.example", {{"index.html", "of b"}}}};
}

}  // namespace perchild::test
