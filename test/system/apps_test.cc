// Applications that are started on demand, and FastCGI programs of the site's own, good and bad.
#include <gtest/gtest.h>

#include <string>

#include "test/system/neighbour.h"

namespace perchild::test::apps_test {
namespace {

// An HTTP server on the socket that it is given as descriptor 3.
constexpr const char* application = R"(import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def address_string(self): return 'somebody'
    def log_message(self, *a): pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.reply(b'%d bytes' % len(body))
    def do_GET(self): self.reply(b'%s as %d' % (self.path.encode(), os.geteuid()))
    def reply(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(('', 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=3)
    def get_request(self):
        connection, _ = self.socket.accept()
        return connection, ('', 0)
Server().serve_forever()
)";

// One connection after the other; it is slow, or stands still, where it is told to.
constexpr const char* slow_application = R"(import os, socket, time
listener = socket.socket(fileno=3)
while True:
    peer, _ = listener.accept()
    asked = peer.recv(65536)
    if b'/hang' in asked: time.sleep(1000)
    if b'/slow' in asked: time.sleep(0.4)
    body = b'process %d' % os.getpid()
    try:
        peer.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n'
                     % len(body) + body)
    except OSError: pass
    peer.close()
)";

// Answers each request by what stands in the file that it is asked for, as it is.
constexpr const char* bad_program = R"(import os, signal, socket, struct, time
listener = socket.socket(fileno=0)
def record(kind, content):
    return struct.pack('>BBHHBB', 1, kind, 1, len(content), 0, 0) + content
head = b'Content-Type: text/plain\n\n'
end = record(3, bytes(8))
answers = {
    b'/garbage': b'HTTP/1.1 200 OK\r\n\r\n',
    b'/version': b'\x02' + record(6, head)[1:],
    b'/other-request': record(6, head).replace(b'\0\1', b'\0\2', 1),
    b'/nothing': b'',
    b'/no-head': end,
    b'/half': record(6, b'Content-Ty') + end,
    b'/bad-end': record(6, head) + record(3, b'x'),
    b'/cut-off': record(6, head + b'x') + record(6, b'lost')[:8],
    b'/short': record(6, b'Content-Length: 9\n\nshort') + end,
    b'/long': record(6, b'Content-Length: 4\n\nlonger') + end,
    b'/overloaded': record(3, b'\0\0\0\0\2\0\0\0'),
    b'/stderr': record(7, b'first\nsec') + record(6, head) + record(7, b'ond\n') + end,
    b'/good': record(6, head + b'good') + end,
}
while True:
    peer, _ = listener.accept()
    asked = b''
    while not asked.endswith(record(5, b'')):
        some = peer.recv(65536)
        if not some: break
        asked += some
    if b'REQUEST_URI/silent' in asked: time.sleep(1000)
    if b'REQUEST_URI/crash' in asked: os.kill(os.getpid(), signal.SIGSEGV)
    for name, answer in answers.items():
        if b'REQUEST_URI' + name in asked:
            if name == b'/half':
                for i in range(len(answer)):
                    peer.send(answer[i:i+1])
            else:
                peer.sendall(answer)
    peer.close()
)";

TEST(Apps, AnApplicationIsStartedOnDemandAndAnswersEveryPath) {
  const Server server(
      {.sites = {{"a.example",
                  {{"app.py", application}, {"index.html", "a file"}},
                  R"(, "app": {"command": ["/usr/bin/python3", "-SE", "app.py"]})"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/x/y?z").body, "/x/y?z as " + std::to_string(uid_a))
      << server.error_log(0);
  EXPECT_EQ(get(server.port(), "a.example", "/index.html").body,
            "/index.html as " + std::to_string(uid_a));
  EXPECT_EQ(ask(server, request("a.example", "/", "Content-Length: 3\r\n", "POST") + "abc").body,
            "3 bytes");
}

class SlowApplication : public ::testing::Test {
 protected:
  std::string process() const { return get(server_.port(), "a.example").body; }

  const Server server_{{.sites = {{"a.example",
                                   {{"app.py", slow_application}},
                                   R"(, "app": {"command": ["/usr/bin/python3", "-SE", "app.py"],
                               "time_limit": "1s"})"},
                                  {"b.example", {{"index.html", "of b"}}}}}};
  const Neighbour neighbour_{server_};
};

TEST_F(SlowApplication, ThatDoesNotAnswerAnyMoreIsReplaced) {
  const std::string first = process();
  EXPECT_TRUE(first.starts_with("process ")) << server_.error_log(0);
  EXPECT_EQ(get(server_.port(), "a.example", "/hang").status, 504);
  EXPECT_TRUE(error_log_has(server_, 0, "app does not answer, and is ended"));
  std::string other;
  EXPECT_TRUE(eventually([&] {
    other = process();
    return other.starts_with("process ");
  })) << server_.error_log(0);
  EXPECT_NE(other, first);
}

// The control. Who comes last waits for longer than he may, and so would a health check.
TEST_F(SlowApplication, ThatIsOnlyBusyGoesOn) {
  const std::string first = process();
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(server_.port());
    clients.back().send(request("a.example", "/slow"));
  }
  int late = 0;
  for (Client& client : clients) late += client.receive().status == 504 ? 1 : 0;
  EXPECT_GT(late, 0);
  EXPECT_LT(late, 6);
  std::string other;
  EXPECT_TRUE(eventually([&] {
    other = process();
    return other.starts_with("process ");
  })) << server_.error_log(0);
  EXPECT_EQ(other, first);
}

TEST(Apps, AProgramThatSpeaksNoFastCgiHarmsItsOwnRequestsOnly) {
  const Server server({.sites = {{"a.example",
                                  {{"bad.py", bad_program}},
                                  R"(, "fastcgi": {"command": ["/usr/bin/python3", "-SE", "bad.py"],
                                      "time_limit": "2s"})"},
                                 {"b.example", {{"index.html", "of b"}}}}});
  const Neighbour neighbour(server);
  for (const char* target : {"/garbage", "/version", "/other-request", "/nothing", "/no-head",
                             "/half", "/bad-end", "/crash"}) {
    EXPECT_EQ(get(server.port(), "a.example", target).status, 502) << target;
  }
  EXPECT_TRUE(error_log_has(server, 0, "was killed by SIGSEGV"));
  EXPECT_EQ(get(server.port(), "a.example", "/silent").status, 504);
  EXPECT_EQ(get(server.port(), "a.example", "/long").body, "long");
  // All of it is here before a byte is sent.
  EXPECT_EQ(get(server.port(), "a.example", "/short").status, 502);
  Client client(server.port());
  client.send(request("a.example", "/cut-off"));
  EXPECT_EQ(body_of(client.receive_to_end().value_or("<no end>")), "x<cut off>");
  EXPECT_TRUE(error_log_has(server, 0, "/cut-off: the program ended in the middle"));
  EXPECT_TRUE(error_log_has(server, 0, "/short: the program's response is shorter than it says"));
  EXPECT_EQ(get(server.port(), "a.example", "/overloaded").status, 503);
  EXPECT_EQ(get(server.port(), "a.example", "/good").body, "good");
  EXPECT_EQ(get(server.port(), "a.example", "/stderr").status, 200);
  EXPECT_TRUE(error_log_has(server, 0, "fastcgi first"));
  EXPECT_TRUE(error_log_has(server, 0, "fastcgi second"));
}

}  // namespace
}  // namespace perchild::test::apps_test
