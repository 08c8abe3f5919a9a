// Sites whose programs of each kind do what a visitor asks for: "?ATTACK+ARGUMENT...", by
// hostile-program.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test {

inline constexpr const char* if_available = R"(, "mechanisms": { "cgroup": "if-available" })";
inline constexpr const char* attackers_programs = R"(,
  "cgi": true, "php": true, "locations": [{"prefix": "/app", "app": {"command":
    ["/usr/bin/python3", "-SE", "cgi-bin/app.py", "cgi-bin/attack"]}}])";
inline constexpr const char* attackers_php =
    "<?php passthru(__DIR__ . '/cgi-bin/attack ' . strtr($_SERVER['QUERY_STRING'], '+', ' '));";
// Speaks HTTP on the socket that it is given.
inline constexpr const char* attackers_application = R"(import socket, subprocess, sys
listener = socket.socket(fileno=3)
while True:
    peer, _ = listener.accept()
    with peer, peer.makefile('rb') as lines:
        words = lines.readline().split()[1].decode().split('?')[1].split('+')
        while lines.readline().strip(): pass
        said = subprocess.run([sys.argv[1], *words], stdout=subprocess.PIPE).stdout
        peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(said) + said)
)";

// Paths that attack; of these, the one that PHP answers which was loaded before it had a site.
inline constexpr const char* of_a_spare = "/attack.php/of/a/spare";
inline const auto attackers_paths =
    ::testing::Values("/cgi-bin/attack", "/attack.php", of_a_spare, "/app");

inline bool is_of_a_spare(const std::string& path) {
  return path == of_a_spare;
}

inline std::string kind_of_attacker(const ::testing::TestParamInfo<const char*>& each) {
  if (is_of_a_spare(each.param)) return "PhpOfASpare";
  if (contains(each.param, "php")) return "Php";
  return contains(each.param, "cgi") ? "Cgi" : "App";
}

// The program itself, which belongs below cgi-bin as "attack".
inline std::string hostile_program() {
  return read_file(bin_directory() + "/hostile-program");
}

inline std::string body_of_answer(const Server& server, const std::string& host,
                                  const std::string& path) {
  Client client(server.port());
  client.send(request(host, path, "Connection: close\r\n"));
  return body_of(client.receive_to_end(30'000).value_or(""));
}

}  // namespace perchild::test
