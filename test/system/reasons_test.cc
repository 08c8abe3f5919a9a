// What a site's rules and programs refuse: the status, and the line of its log that says why. One
// test by itself for what takes one; here is what takes a request.
#include <gtest/gtest.h>

#include "test/support/open_files.h"
#include "test/system/played_backend.h"

namespace perchild::test::reasons_test {
namespace {

struct Case {
  std::string target;
  int status;
  std::string reason;
  std::string fields = {};
  std::string method = "GET";
};

void expect_refused(const Server& server, const Case& each) {
  const HttpResponse response =
      ask(server, request("a.example", each.target, each.fields, each.method));
  EXPECT_EQ(response.status, each.status) << each.reason;
  // Long targets are cut in the log.
  const std::string target = each.target.substr(0, 100);
  const bool is_said = eventually([&] {
    const std::string log = server.error_log(0);
    return contains(log, each.method + " " + target) && contains(log, ": " + each.reason + "\n");
  });
  EXPECT_TRUE(is_said) << each.reason << "\n" << server.error_log(0);
}

// Of `count` names, each within what a name may be.
std::string long_path(int count) {
  std::string path;
  for (int i = 0; i < count; ++i) path += "a/";
  return path;
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Reasons, OfASitesRulesAreInItsLog) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "of a"}, {"list/x", "x"}},
                                  R"(, "redirect": [{"pattern": "^/costly/(a+)+$", "to": "/"}],
                  "locations": [
                    {"prefix": "/grow/", "rewrite": {"to": "/$1$1"}},
                    {"prefix": "/far/", "redirect": {"to": "/$1$1$1$1"}},
                    {"prefix": "/only/", "try": ["{path}", 410]},
                    {"prefix": "/list/", "listing": true}])"}}});
  for (const Case& each : std::vector<Case>{
           {"/grow/" + long_path(2500), 414, "the rewritten path is too long"},
           {"/far/" + long_path(2500), 414, "the target of the redirect is too long"},
           {"/costly/" + std::string(64, 'a') + "!", 500, "a pattern takes too long to match"},
           {"/only/this", 410, "none of the paths to try is there"},
           {"/list/", 412, "the page is not the one that the request is about",
            "If-Match: \"x\"\r\n"},
           {"/", 405, "method not allowed", {}, "PUT"}}) {
    expect_refused(server, each);
  }
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
}

TEST(Reasons, OfWhatKeepsAProgramFromAnsweringAreInTheSitesLog) {
  PlayedBackend backend;
  const std::string variables = repeated("$1", 60);
  Server server({.sites = {{"a.example",
                            {{"cgi-bin/.keep", ""}},
                            R"(, "cgi": true, "locations": [
                    {"prefix": "/vars/", "rewrite": {"to": "/cgi-bin/good?q=)" +
                                variables + R"("}},
                    {"prefix": "/nobody/", "proxy": {"to": "http://127.0.0.1:)" +
                                std::to_string(free_port()) + R"("}},
                    {"exact": "/cgi-bin/full", "headers": {"X": ")" +
                                std::string(2000, 'x') + R"("}},
                    {"prefix": "/ends/", "app": {"command": ["/bin/false"]}},
                    {"prefix": "/proxied/")" +
                                backend.settings(R"(, "request_buffer": "1M")") + "}]"}}});
  const auto add = [&](const std::string& name, const std::string& text, unsigned mode = 0700) {
    server.add_file(0, "cgi-bin/" + name, "#!/bin/sh\n" + text + "\n", mode);
  };
  add("good", "printf 'A: b\\n\\ngood'");
  add("open", "printf 'A: b\\n\\nopen'", 0770);
  server.add_file(0, "cgi-bin/bare", "echo\n", 0700);
  add("leads", "printf 'Location: /%%00\\n\\n'");
  add("wordy", "for i in $(seq 129); do echo \"X-$i: a\"; done; echo");
  add("long", "printf 'X: %070000d\\n\\n' 0");
  add("loud", "for i in 1 2 3 4 5 6 7 8; do printf 'X-%d: %05000d\\n' $i 0; done; echo");
  // It would fit without the site's own.
  add("full", "for i in 1 2 3 4 5; do printf 'X-%d: %05600d\\n' $i 0; done; echo");
  // The first ones may still have reached it.
  EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example", "/ends/").status == 503; }));
  std::string options = "Connection: close";
  for (int i = 0; i < 40; ++i) options += ", x" + std::to_string(i);
  for (const Case& each : std::vector<Case>{
           {"/ends/", 503, "the program cannot be started"},
           {"/nobody/", 502, "nobody listens where the program should"},
           {"/cgi-bin/open", 403,
            "the script is not as it must be to be run, or the socket not the site's own "
            "/cgi-bin/open"},
           {"/cgi-bin/bare", 500, "the script cannot be run /cgi-bin/bare"},
           {"/cgi-bin/leads", 502, "the program leads to an impossible path"},
           {"/cgi-bin/loud", 502,
            "the program's head does not fit into the 29 KiB of a response's /cgi-bin/loud"},
           {"/cgi-bin/wordy", 502, "the answer has more than 128 fields /cgi-bin/wordy"},
           {"/cgi-bin/long", 502, "the head of the answer is longer than 64 KiB /cgi-bin/long"},
           {"/cgi-bin/full", 500, "the site's headers do not fit into a response"},
           {"/vars/" + long_path(2500), 431,
            "the request does not fit into variables /cgi-bin/good"},
           {"/proxied/", 431, "the Connection field names too many options", options + "\r\n"}}) {
    expect_refused(server, each);
  }
  // Nobody has taken the worker for one that has been taken over.
  EXPECT_EQ(server.workers_of(0).size(), 1u);
  EXPECT_FALSE(contains(server.log(), "violat")) << server.log();
}

TEST(Reasons, ThatABodyCannotBeKeptIsInTheSitesLog) {
  PlayedBackend backend;
  const Server server(
      {.sites = {{"a.example", {}, backend.settings(R"(, "request_buffer": "1M")")}}});
  Client client(server.port());
  client.send(request("a.example"));
  backend.accept();
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(client.receive(true).status, 204);
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  const ::rlimit before = limit_of_open_files(worker);
  limit_open_files(worker, {0, before.rlim_max});
  client.send(request("a.example", "/", "Content-Length: 100000\r\n", "POST") +
              std::string(100'000, 'x'));
  EXPECT_EQ(client.receive().status, 503);
  limit_open_files(worker, before);
  EXPECT_TRUE(error_log_has(server, 0, "POST /: no memory to keep the body in\n"));
}

// A FastCGI server, of which a visitor chooses what it says.
constexpr const char* fastcgi = R"(import socket, struct
def record(kind, content=b'', number=1, version=1):
    return struct.pack('>BBHHBB', version, kind, number, len(content), 0, 0) + content
def end(status): return record(3, struct.pack('>IB3x', 0, status))
head = b'Content-Type: text/plain\n\n'
says = {
    b'what=good': record(6, head + b'good') + record(6) + end(0),
    b'what=busy': end(2),
    b'what=unwilling': end(3),
    b'what=nothing': b'',
    b'what=half': record(6, head + b'half'),
    b'what=version': record(6, head, version=2),
    b'what=number': record(6, head, number=7),
    b'what=type': record(9, b'x'),
    b'what=behind': record(6, head) + record(6) + record(6, b'x'),
    b'what=end': record(3, b'x'),
}
listener = socket.socket(fileno=0)
while True:
    peer, _ = listener.accept()
    asked = peer.recv(65536)
    for name, said in says.items():
        if name + b'.' in asked: peer.sendall(said)
    peer.close()
)";

TEST(Reasons, OfAFastCgiServersFaultsAreInTheSitesLog) {
  const std::string variables = repeated("$1", 60);
  const Server server({.sites = {{"a.example",
                                  {{"server.py", fastcgi}},
                                  R"(, "locations": [
                    {"prefix": "/vars/", "rewrite": {"to": "/say/x?q=)" +
                                      variables + R"("}},
                    {"prefix": "/say/", "fastcgi": {
                      "command": ["/usr/bin/python3", "-SE", "server.py"]}}])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/say/x?what=good.").body, "good")
      << server.error_log(0);
  for (const Case& each : std::vector<Case>{
           {"/say/x?what=busy.", 503, "the program has too much to do"},
           {"/say/x?what=unwilling.", 502, "the program refuses the request"},
           {"/say/x?what=nothing.", 502, "the program ended without a response"},
           {"/say/x?what=version.", 502, "a record is not of version 1 of FastCGI"},
           {"/say/x?what=number.", 502, "a record names a request that was not made"},
           {"/say/x?what=type.", 502, "a record is of a type that was not to be expected"},
           {"/say/x?what=behind.", 502, "a stream goes on behind its end"},
           {"/say/x?what=end.", 502, "the record that ends the request is malformed"},
           {"/vars/" + long_path(2500), 431, "the request does not fit into variables"}}) {
    expect_refused(server, each);
  }
  // How much of it has been sent by then is not said.
  Client client(server.port());
  client.send(request("a.example", "/say/x?what=half."));
  static_cast<void>(client.receive_to_end());
  EXPECT_TRUE(error_log_has(server, 0, "the program ended in the middle of its response"));
}

}  // namespace
}  // namespace perchild::test::reasons_test
