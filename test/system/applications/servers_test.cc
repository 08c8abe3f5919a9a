// Applications that are servers themselves: Node with WebSocket, and Python behind gunicorn.
#include "test/system/applications/browser.h"
#include "test/system/applications/installed.h"
#include "test/system/requests.h"

namespace perchild::test::servers_test {
namespace {

// Listens on the socket that it has been given.
constexpr const char* node_server = R"(
const http = require('http');
const { WebSocketServer } = require('/usr/share/nodejs/ws');
const server = http.createServer((request, response) => {
  let size = 0;
  request.on('data', (part) => { size += part.length; });
  request.on('end', () => {
    if (request.url === '/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: first\n\n');
      return;  // there might be more
    }
    response.setHeader('Set-Cookie', ['a=1', 'b=2']);
    response.end([request.method, request.url, request.headers.host.split(':')[0], size,
                  request.headers['x-forwarded-for'], process.getuid()].join(' '));
  });
});
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (message) => socket.send('echo of ' + message));
});
server.listen({ fd: 3 });
)";

std::string site_of(const std::string& command) {
  return R"(, "app": {"command": [)" + command + R"(]})";
}

TEST(Node, RequestsBodiesAndEventsPass) {
  Server server(
      {.sites = {
           {"a.example", {{"app.js", node_server}}, site_of(R"("/usr/bin/node", "app.js")")}}});
  const Browser browser("a.example", server.port());
  const std::string uid = std::to_string(uid_a);
  EXPECT_EQ(browser.get("/x?y").body, "GET /x?y a.example 0 127.0.0.1 " + uid);
  const Page posted = browser.post("/p", {"a=" + std::string(90'000, 'b')});
  EXPECT_EQ(posted.body, "POST /p a.example 90002 127.0.0.1 " + uid);

  // An event arrives while its response goes on.
  Client client(server.port());
  client.send(request("a.example", "/events"));
  std::string received;
  EXPECT_TRUE(eventually([&] {
    received += client.receive_some();
    return contains(received, "data: first");
  })) << received;
}

TEST(Node, AWebSocketIsOpenedAndAnswers) {
  Server server(
      {.sites = {
           {"a.example", {{"app.js", node_server}}, site_of(R"("/usr/bin/node", "app.js")")}}});
  Client client(server.port());
  client.send(request("a.example", "/",
                      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  std::string received;
  EXPECT_TRUE(eventually([&] {
    received += client.receive_some();
    return contains(received, "\r\n\r\n");
  }));
  EXPECT_TRUE(received.starts_with("HTTP/1.1 101 ")) << received;
  // RFC 6455, 1.3: what the key of the example is answered with.
  EXPECT_TRUE(contains(received, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) << received;

  // One text frame, "hi", masked with zeros; the server's are not masked.
  client.send(std::string("\x81\x82\0\0\0\0hi", 8));
  std::string frame = received.substr(received.find("\r\n\r\n") + 4);
  EXPECT_TRUE(eventually([&] {
    frame += client.receive_some();
    return contains(frame, "echo of hi");
  })) << frame;
}

TEST(Gunicorn, AWsgiApplicationAnswers) {
  Server server(
      {.sites = {{"a.example",
                  {{"hello.py",
                    "def application(environ, start_response):\n"
                    "    body = environ['wsgi.input'].read()\n"
                    "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
                    "    yield environ['PATH_INFO'].encode() + b' '\n"
                    "    yield environ['HTTP_HOST'].split(':')[0].encode() + b' ' + body\n"}},
                  site_of(R"("/usr/bin/gunicorn",
                                       "--worker-tmp-dir", "/dev/shm", "hello:application")")}}});
  const Browser browser("a.example", server.port());
  EXPECT_EQ(browser.post("/a/b", {"c=d"}).body, "/a/b a.example c=d");
}

}  // namespace
}  // namespace perchild::test::servers_test
