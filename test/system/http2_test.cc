// Sites over HTTP/2: every kind of response, many at once, and what becomes of the connection.
#include <gtest/gtest.h>
#include <signal.h>

#include "test/support/certificate_files.h"
#include "test/support/command.h"
#include "test/support/http2_client.h"
#include "test/system/played_backend.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::http2_test {
namespace {

std::string text_of_lines(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  return text;
}

// The secure sites, of which the first has these files and settings.
ServerSpec spec_with(const std::map<std::string, std::string>& files,
                     const std::string& more = {}) {
  ServerSpec spec = secure_sites();
  for (const auto& [name, text] : files) spec.sites[0].files[name] = text;
  spec.sites[0].more += more;
  return spec;
}

Http2Response ask_http2(const Server& server, const std::string& path, const Http2Fields& more = {},
                        const std::string& method = "GET") {
  Http2Client client(server.port());
  EXPECT_TRUE(client.speaks_http2());
  return client.response(client.request(client.fields_of(method, path, more)));
}

TEST(Http2, ASmallFileIsServed) {
  const Server server(secure_sites());
  const Http2Response response = ask_http2(server, "/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "of a");
  EXPECT_EQ(response.fields.at("content-length"), "4");
  EXPECT_EQ(response.fields.at("server"), "perchild");
  EXPECT_EQ(response.fields.count("connection"), 0u);
  EXPECT_FALSE(response.reset);
  EXPECT_TRUE(access_log_has(server, 0, "\"GET / HTTP/2.0\" 200 4 "));
}

TEST(Http2, FilesOfEverySizeAreWhole) {
  const std::string text = text_of_lines(3'000'000);
  std::map<std::string, std::string> files;
  const std::size_t sizes[] = {0, 1, 16'000, 32'768, 60'000, 200'000, text.size()};
  for (const std::size_t size : sizes) files[std::to_string(size)] = text.substr(0, size);
  const Server server(spec_with(files));
  Http2Client client(server.port());
  for (const std::size_t size : sizes) {
    const Http2Response response = client.response(client.get("/" + std::to_string(size)));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.body == text.substr(0, size)) << size << ": " << response.body.size();
  }
}

TEST(Http2, EveryKindOfResponseIsThatOfHttp1) {
  const std::string text = text_of_lines(100'000);
  const Server server(spec_with({{"t.txt", text}, {"d/x", "x"}, {"secret.txt", "s"}},
                                R"(, "listing": true, "locations": [
      { "exact": "/secret.txt", "access": { "deny": ["all"] } },
      { "prefix": "/old", "redirect": { "to": "/new" } }])"));
  const Http2Response whole = ask_http2(server, "/t.txt");
  EXPECT_EQ(whole.body, text);
  const std::string tag = whole.fields.at("etag");
  EXPECT_EQ(ask_http2(server, "/t.txt", {{"if-none-match", tag}}).status, 304);
  EXPECT_EQ(ask_http2(server, "/t.txt", {{"if-match", "\"x\""}}).status, 412);
  const Http2Response part = ask_http2(server, "/t.txt", {{"range", "bytes=10-19"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, text.substr(10, 10));
  const Http2Response parts = ask_http2(server, "/t.txt", {{"range", "bytes=0-1,50000-50004"}});
  EXPECT_EQ(parts.status, 206);
  EXPECT_EQ(std::to_string(parts.body.size()), parts.fields.at("content-length"));
  EXPECT_TRUE(contains(parts.body, text.substr(50'000, 5)));
  const Http2Response head = ask_http2(server, "/t.txt", {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("content-length"), std::to_string(text.size()));
  EXPECT_EQ(head.body, "");
  const Http2Response encoded = ask_http2(server, "/t.txt", {{"accept-encoding", "gzip"}});
  EXPECT_EQ(encoded.fields.at("content-encoding"), "gzip");
  EXPECT_LT(encoded.body.size(), text.size());
  EXPECT_TRUE(contains(ask_http2(server, "/d/").body, "href=\"./x\""));
  EXPECT_EQ(ask_http2(server, "/d").status, 301);
  EXPECT_EQ(ask_http2(server, "/old").fields.at("location"), "/new");
  EXPECT_EQ(ask_http2(server, "/none").status, 404);
  EXPECT_EQ(ask_http2(server, "/secret.txt").status, 403);
  EXPECT_EQ(ask_http2(server, "/", {}, "DELETE").status, 405);
  EXPECT_EQ(ask_http2(server, "/", {}, "BREW").status, 501);
  EXPECT_EQ(ask_http2(server, "/%00").status, 400);
  EXPECT_EQ(ask_http2(server, "/" + std::string(9000, 'x')).status, 414);
  EXPECT_EQ(ask_http2(server, "/", {{"x", std::string(17'000, 'x')}}).status, 431);
}

TEST(Http2, AFileThatIsEncodedWhileItIsSentHasNoFraming) {
  const std::string text = text_of_lines(4'000'000);
  const Server server(spec_with({{"t.txt", text}}, R"(, "limits": { "cache": "1M" })"));
  Http2Client client(server.port());
  const Http2Response response =
      client.response(client.get("/t.txt", {{"accept-encoding", "gzip"}}));
  EXPECT_EQ(response.fields.count("transfer-encoding"), 0u);
  EXPECT_EQ(response.fields.count("content-length"), 0u);
  EXPECT_TRUE(response.body.starts_with("\x1f\x8b")) << "and not with a chunk's size";
  EXPECT_TRUE(response.ended);
}

TEST(Http2, AHundredRequestsAtOnceAreAnswered) {
  const std::string text = text_of_lines(50'000);
  const Server server(spec_with({{"t.txt", text}}));
  Http2Client client(server.port());
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 100; ++i) streams.push_back(client.get(i % 2 == 0 ? "/" : "/t.txt"));
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const Http2Response response = client.response(streams[i]);
    EXPECT_TRUE(response.body == (i % 2 == 0 ? "of a" : text)) << i;
  }
  EXPECT_TRUE(eventually([&] { return count_of(server.access_log(0), "HTTP/2.0\" 200") == 100; }));
}

TEST(Http2, AClosedWindowHoldsItsOwnStreamBackAlone) {
  const std::string text = text_of_lines(500'000);
  const Server server(spec_with({{"t.txt", text}}));
  // No window for streams, until one is opened.
  Http2Client client(server.port(), "a.example", setting_bytes(4, 0));
  client.credits = false;
  const std::uint32_t held = client.get("/t.txt");
  const std::uint32_t open = client.get("/");
  client.send_frame({NGHTTP2_WINDOW_UPDATE, 0, open, number_bytes(100)});
  EXPECT_EQ(client.response(open).body, "of a");
  EXPECT_EQ(client.so_far(held).status, 200) << "its head needs none";
  EXPECT_EQ(client.so_far(held).body, "");
  for (int i = 1; i <= 3; ++i) {
    client.send_frame({NGHTTP2_WINDOW_UPDATE, 0, held, number_bytes(1000)});
    while (client.so_far(held).body.size() < 1000u * static_cast<unsigned>(i)) {
      ASSERT_TRUE(client.receive());
    }
    EXPECT_TRUE(client.settle());
    EXPECT_EQ(client.so_far(held).body, text.substr(0, 1000u * static_cast<unsigned>(i)));
  }
}

TEST(Http2, ThePriorityOfRfc9218IsKept) {
  const std::string text = text_of_lines(300'000);
  const Server server(spec_with({{"t.txt", text}}));
  Http2Client client(server.port(), "a.example", setting_bytes(4, 1'000'000));
  client.credits = false;
  const std::uint32_t late = client.get("/t.txt", {{"priority", "u=6"}});
  const std::uint32_t soon = client.get("/t.txt", {{"priority", "u=0"}});
  const auto received = [&] {
    return client.so_far(soon).body.size() + client.so_far(late).body.size();
  };
  while (received() < 65'535) ASSERT_TRUE(client.receive());  // the connection's window
  const std::size_t of_late = client.so_far(late).body.size();
  client.send_frame({.type = NGHTTP2_WINDOW_UPDATE, .payload = number_bytes(200'000)});
  while (received() < 265'535) ASSERT_TRUE(client.receive());
  EXPECT_EQ(client.so_far(late).body.size(), of_late) << "while the other has something to send";
}

TEST(Http2, AnotherSitesNameIsAnswered421AndTheConnectionGoesOn) {
  const Server server(secure_sites());
  Http2Client client(server.port());
  Http2Fields fields = client.fields_of("GET", "/");
  fields[2].second = "b.example";
  EXPECT_EQ(client.response(client.request(fields)).status, 421);
  fields[2].second = "www.a.example";
  EXPECT_EQ(client.response(client.request(fields)).body, "of a");
  EXPECT_EQ(client.response(client.get()).body, "of a");
}

TEST(Http2, ItCanBeSwitchedOff) {
  const Server server(spec_with({}, R"(, "http2": false)"));
  EXPECT_FALSE(Http2Client(server.port(), "a.example", std::nullopt).speaks_http2());
  EXPECT_TRUE(Http2Client(server.port(), "b.example", std::nullopt).speaks_http2());
}

TEST(Http2, BodiesAreSkippedWhereNobodyWantsThem) {
  const Server server(spec_with({}, R"(, "limits": { "body": "300K" })"));
  Http2Client client(server.port());
  const std::uint32_t read = client.request(client.fields_of("GET", "/"), false);
  for (int i = 0; i < 20; ++i) client.send_data(read, std::string(10'000, 'x'), i == 19);
  EXPECT_EQ(client.response(read).body, "of a");
  const std::uint32_t refused = client.request(client.fields_of("POST", "/"), false);
  client.send_data(refused, "x", false);
  EXPECT_EQ(client.response(refused).status, 405);
  while (!client.so_far(refused).reset) ASSERT_TRUE(client.receive());
  EXPECT_EQ(client.so_far(refused).reset, NGHTTP2_NO_ERROR) << "of the rest nothing is wanted";
  const std::uint32_t large =
      client.request(client.fields_of("GET", "/", {{"content-length", "400000"}}), false);
  EXPECT_EQ(client.response(large).status, 413);
  const std::uint32_t endless = client.request(client.fields_of("GET", "/"), false);
  for (int i = 0; i < 12 && client.so_far(endless).status == 0; ++i) {
    for (int j = 0; j < 3; ++j) client.send_data(endless, std::string(10'000, 'x'), false);
    ASSERT_TRUE(client.settle());
  }
  EXPECT_EQ(client.response(endless).status, 413);
  EXPECT_EQ(client.response(client.get()).body, "of a") << "and the connection goes on";
}

TEST(Http2, AClientThatWaitsIsAskedForItsBody) {
  const Server server(secure_sites());
  Http2Client client(server.port());
  const std::uint32_t stream = client.request(
      client.fields_of("GET", "/", {{"expect", "100-continue"}, {"content-length", "5"}}), false);
  while (client.so_far(stream).interim.empty()) ASSERT_TRUE(client.receive());
  EXPECT_EQ(client.so_far(stream).interim, std::vector<int>{100});
  client.send_data(stream, "hello", true);
  EXPECT_EQ(client.response(stream).body, "of a");
}

TEST(Http2, ProgramsAnswerAsOverHttp1) {
  const Server server(spec_with(
      {{"echo.php",
        "<?php echo $_SERVER['SERVER_PROTOCOL'], ' ', $_SERVER['HTTPS'], ' ',"
        " $_SERVER['HTTP_COOKIE'] ?? '-', ' ', md5(file_get_contents('php://input'));"},
       {"long.php", "<?php for ($i = 0; $i < 200; ++$i) { echo str_repeat('x', 1000); flush(); }"}},
      R"(, "php": true)"));
  Http2Client client(server.port());
  const std::uint32_t told = client.request(
      client.fields_of("POST", "/echo.php",
                       {{"content-length", "5"}, {"cookie", "a=1"}, {"cookie", "b=2"}}),
      false);
  client.send_data(told, "hello", true);
  const Http2Response response = client.response(told);
  EXPECT_EQ(response.body, "HTTP/2.0 on a=1; b=2 5d41402abc4b2a76b9719d911017c592")
      << server.error_log(0);
  const std::uint32_t untold = client.request(client.fields_of("POST", "/echo.php"), false);
  client.send_data(untold, "hel", false);
  client.send_data(untold, "lo", false);
  client.send_data(untold, "", true);
  EXPECT_TRUE(contains(client.response(untold).body, "5d41402abc4b2a76b9719d911017c592"));
  EXPECT_EQ(client.response(client.get("/long.php")).body, std::string(200'000, 'x'));
}

Http2Fields websocket_fields(const std::string& path) {
  return {{":method", "CONNECT"}, {":protocol", "websocket"},  {":scheme", "https"},
          {":path", path},        {":authority", "a.example"}, {"sec-websocket-version", "13"}};
}

TEST(Http2, AWebSocketGoesOverAStream) {
  PlayedBackend backend;
  const Server server(spec_with({}, backend.settings()));
  Http2Client client(server.port());
  ASSERT_TRUE(client.settle());
  const std::uint32_t stream = client.request(websocket_fields("/chat"), false);
  backend.accept();
  const std::string head = backend.receive_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("GET /chat HTTP/1.1\r\n")) << head;
  EXPECT_TRUE(contains(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n")) << head;
  EXPECT_TRUE(contains(head, "sec-websocket-version: 13\r\n")) << head;
  EXPECT_TRUE(contains(head, "sec-websocket-key: ")) << head;
  backend.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
  while (client.so_far(stream).body != "first") ASSERT_TRUE(client.receive());
  EXPECT_EQ(client.so_far(stream).status, 200);
  EXPECT_FALSE(client.so_far(stream).ended);
  for (const std::string text : {"one", "two"}) {
    client.send_data(stream, text, false);
    EXPECT_EQ(backend.receive_until(text), text);
    backend.send("echo of " + text);
    while (!client.so_far(stream).body.ends_with("echo of " + text)) ASSERT_TRUE(client.receive());
  }
  EXPECT_FALSE(client.so_far(stream).ended);
  client.send_data(stream, "", true);
  EXPECT_TRUE(backend.is_ended());
  backend.close();
  EXPECT_TRUE(client.response(stream).ended);
}

TEST(Http2, HintsComeBeforeTheResponse) {
  PlayedBackend backend;
  const Server server(spec_with({}, backend.settings()));
  Http2Client client(server.port());
  const std::uint32_t stream = client.get();
  backend.accept();
  backend.receive_until("\r\n\r\n");
  const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  backend.send(hint + hint);
  while (client.so_far(stream).interim.size() < 2) ASSERT_TRUE(client.receive());
  EXPECT_EQ(client.so_far(stream).fields.at("link"), "</a.css>");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(client.response(stream).body, "hi");
  EXPECT_EQ(client.so_far(stream).interim, (std::vector{103, 103}));
}

TEST(Http2, WhatIsNoWebSocketIsNotTakenForOne) {
  PlayedBackend backend;
  const Server server(spec_with(
      {{"file", "f"}}, R"(, "locations": [{ "prefix": "/app")" + backend.settings() + " }]"));
  Http2Client client(server.port());
  ASSERT_TRUE(client.settle());
  EXPECT_EQ(client.response(client.request(websocket_fields("/file"), false)).reset,
            NGHTTP2_CONNECT_ERROR);
  const std::uint32_t refused = client.request(websocket_fields("/app"), false);
  backend.accept();
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(client.response(refused).status, 403);
  const std::uint32_t plain = client.request(websocket_fields("/app"), false);
  backend.receive_until("\r\n\r\n");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(client.response(plain).reset, NGHTTP2_CONNECT_ERROR);
  EXPECT_EQ(client.response(client.get("/file")).body, "f");
}

TEST(Http2, ABodyThatAProgramDoesNotReadIsNotCredited) {
  const Server server(spec_with({{"wait.php",
                                  "<?php while (!file_exists('go')) usleep(10000);"
                                  " echo strlen(file_get_contents('php://input'));"}},
                                R"(, "php": true, "limits": { "body": "4M" })"));
  Http2Client client(server.port());
  ASSERT_TRUE(client.settle());  // the server's settings have come
  const std::uint32_t stream =
      client.request(client.fields_of("POST", "/wait.php", {{"content-length", "131072"}}), false);
  for (int i = 0; i < 8; ++i) client.send_data(stream, std::string(16'384, 'x'), i == 7);
  EXPECT_TRUE(client.settle());
  EXPECT_EQ(run_command({"/usr/bin/touch", server.docroot(0) + "/go"}).status, 0);
  EXPECT_EQ(client.response(stream).body, "131072") << server.error_log(0);
}

TEST(Http2, CurlIsServed) {
  const std::string text = text_of_lines(1'000'000);
  const Server server(spec_with({{"t.txt", text}}));
  const std::string port = std::to_string(server.port());
  const CommandEnd end =
      run_command({"curl", "-sk", "--http2", "--compressed", "--max-time", "20", "--resolve",
                   "a.example:" + port + ":127.0.0.1", "-w", "|%{http_version} %{http_code}",
                   "https://a.example:" + port + "/t.txt"});
  EXPECT_TRUE(end.output == text + "|2 200") << end.output.size();
}

TEST(Http2, NghttpIsServed) {
  const Server server(secure_sites(R"(, "default": "a.example")"));
  const CommandEnd end =
      run_command({"nghttp", "--no-verify-peer", "-t", "20", "-H", ":authority: a.example", "-m",
                   "50", "https://127.0.0.1:" + std::to_string(server.port()) + "/"});
  EXPECT_EQ(count_of(end.output, "of a"), 50u) << end.output;
}

// Python's h2 holds the server to the protocol: it complains of whatever it does not expect.
TEST(Http2, PythonsH2IsServed) {
  const std::string text = text_of_lines(300'000);
  const Server server(spec_with({{"t.txt", text}}));
  const std::string script = R"(
import socket, ssl, sys
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded, StreamReset
context = ssl._create_unverified_context()
context.set_alpn_protocols(['h2'])
raw = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)
tls = context.wrap_socket(raw, server_hostname='a.example')
h2 = H2Connection(H2Configuration(client_side=True))
h2.initiate_connection()
sizes, ended = {}, 0
for i in range(20):
    stream = h2.get_next_available_stream_id()
    h2.send_headers(stream, [(':method', 'GET'), (':scheme', 'https'), (':authority', 'a.example'),
                             (':path', '/t.txt')], end_stream=True)
while ended < 20:
    tls.sendall(h2.data_to_send())
    for event in h2.receive_data(tls.recv(65536)):
        if isinstance(event, DataReceived):
            sizes[event.stream_id] = sizes.get(event.stream_id, 0) + len(event.data)
            h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        ended += isinstance(event, (StreamEnded, StreamReset))
print(sorted(set(sizes.values())), len(sizes))
)";
  const CommandEnd end =
      run_command({"/usr/bin/python3", "-c", script, std::to_string(server.port())});
  EXPECT_EQ(end.output, "[" + std::to_string(text.size()) + "] 20\n");
}

TEST(Http2, AnIdleConnectionIsClosedWithAWord) {
  const Server server(spec_with({}, R"(, "timeouts": { "idle": "300ms", "head": "300ms" })"));
  Http2Client client(server.port());
  EXPECT_EQ(client.response(client.get()).body, "of a");
  EXPECT_EQ(client.last_goaway(), NGHTTP2_NO_ERROR);
}

TEST(Http2, AHeadThatTricklesIsNotWaitedFor) {
  const Server server(spec_with({}, R"(, "timeouts": { "head": "300ms" })"));
  Http2Client begun(server.port());
  begun.acknowledges = false;
  begun.send_frame({NGHTTP2_HEADERS, 0, 1, begun.block_of(begun.fields_of("GET", "/"))});
  EXPECT_EQ(begun.last_goaway(), std::nullopt);
  Http2Client silent(server.port(), "a.example", std::nullopt);
  silent.acknowledges = false;
  silent.send("PRI * HTTP");
  EXPECT_EQ(silent.last_goaway(), std::nullopt);
}

TEST(Http2, WhoTakesNothingIsNotWaitedFor) {
  const std::string text = text_of_lines(500'000);
  const Server server(spec_with({{"t.txt", text}}, R"(, "timeouts": { "send": "500ms" })"));
  Http2Client client(server.port(), "a.example", setting_bytes(4, 1000));
  client.credits = false;
  const Http2Response response = client.response(client.get("/t.txt"));
  EXPECT_EQ(response.reset, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(response.body.size(), 1000u);
  EXPECT_TRUE(error_log_has(server, 0, "the client took the response too slowly"));
}

TEST(Http2, AWorkerThatLeavesFinishesWhatRuns) {
  Server server(spec_with({{"slow.php",
                            "<?php echo 'be'; ob_flush(); flush(); while (!file_exists('go')) "
                            "usleep(10000); echo 'gun';"}},
                          R"(, "php": true)"));
  Http2Client client(server.port());
  const std::uint32_t stream = client.get("/slow.php");
  while (client.so_far(stream).body != "be") ASSERT_TRUE(client.receive());
  client.acknowledges = false;
  server.signal(SIGTERM);
  while (!client.goaway()) ASSERT_TRUE(client.receive());
  EXPECT_EQ(client.response(client.get()).body, "of a") << "it was on its way";
  client.send_frame({NGHTTP2_PING, Http2Client::ack, 0, "going up"});
  EXPECT_TRUE(client.settle());
  EXPECT_EQ(run_command({"/usr/bin/touch", server.docroot(0) + "/go"}).status, 0);
  EXPECT_EQ(client.response(stream).body, "begun");
  EXPECT_EQ(client.last_goaway(), NGHTTP2_NO_ERROR);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Http2, ACertificateForAnotherSitesNameIsNoneForHttp2) {
  TemporaryDirectory directory;
  const auto tls_of = [&](const std::vector<std::string>& names) {
    return ", \"tls\": " +
           CertificateFiles::json({make_certificate(directory.path(), names.back(), names)});
  };
  ServerSpec spec = secure_sites();
  spec.sites[0].more = tls_of({"a.example", "www.a.example", "b.example"});
  spec.sites[1].more = tls_of({"b.example", "x.b.example"});
  const Server server(spec);
  EXPECT_FALSE(Http2Client(server.port(), "a.example", std::nullopt).speaks_http2());
  EXPECT_TRUE(Http2Client(server.port(), "b.example", std::nullopt).speaks_http2());
}

}  // namespace
}  // namespace perchild::test::http2_test
