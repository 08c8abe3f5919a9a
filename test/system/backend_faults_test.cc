// Backends and applications that are slow, lie, or break: what their visitors see, what the error
// log says, and that neither the next request nor the neighbour's is the worse for it.
#include <gtest/gtest.h>

#include <map>

#include "test/system/neighbour.h"
#include "test/system/played_backend.h"

namespace perchild::test::backend_faults_test {
namespace {

const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
const std::string in_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

enum class Then { closes, waits, resets };

struct Fault {
  std::string name;
  std::string says;  // once the request's head is there
  Then then;
  int status;        // 0: what it got of the response may be lost
  std::string body;  // as it comes
  std::string logged;
};

const Fault faults[] = {
    {"slow", sized + "hello", Then::waits, 200, "hello", ""},
    {"silent", "", Then::waits, 504, "", "the program took too long"},
    {"half-a-head", "HTTP/1.1 200 O", Then::waits, 504, "", "the program took too long"},
    {"half-a-body", sized + "he", Then::waits, 200, "he", "the program took too long"},
    {"too-short", sized + "he", Then::closes, 200, "he",
     "the backend closed in the middle of its response"},
    {"too-long", sized + "helloHTTP/1.1 200 OK\r\n\r\n", Then::waits, 200, "hello", ""},
    {"chunk-cut-off", in_chunks + "5\r\nhe", Then::closes, 200, "2\r\nhe\r\n",
     "the backend closed in the middle of its response"},
    {"no-last-chunk", in_chunks + "2\r\nhe\r\n", Then::closes, 200, "2\r\nhe\r\n",
     "the backend closed in the middle of its response"},
    {"wrong-chunk", in_chunks + "2\r\nhello\r\n0\r\n\r\n", Then::closes, 502, "",
     "a line or a chunk of the body does not end in CRLF"},
    {"no-response", "hello\n\n", Then::closes, 502, "", "the answer is not HTTP/1.0 or HTTP/1.1"},
    {"closes", "", Then::closes, 502, "", "the answer is empty"},
    {"resets", "", Then::resets, 502, "", "the answer is empty"},
    {"resets-in-its-body", in_chunks + "2\r\nhe\r\n", Then::resets, 0, "",
     "the backend closed in the middle of its response"},
};

void play(PlayedBackend& backend, const Fault& fault) {
  backend.accept();
  backend.receive_until("\r\n\r\n");
  if (fault.name == "slow") {
    for (const char c : fault.says) {
      backend.send({c});
      pause_briefly();
    }
  } else {
    backend.send(fault.says);
  }
  if (fault.then == Then::closes) backend.close();
  if (fault.then == Then::resets) backend.reset();
}

// What comes of a request for `target`, and what is said of it.
void expect_cost(const Fault& fault, const Server& server, const std::string& target,
                 PlayedBackend* backend = nullptr) {
  Client client(server.port());
  client.send(request("a.example", target, "Connection: close\r\n"));
  if (backend != nullptr) play(*backend, fault);
  const std::string all = client.receive_to_end().value_or("<no end>");
  if (fault.status != 0) {
    EXPECT_TRUE(all.starts_with("HTTP/1.1 " + std::to_string(fault.status))) << fault.name << all;
  }
  if (!fault.body.empty()) {
    EXPECT_EQ(all.substr(all.find("\r\n\r\n") + 4), fault.body) << fault.name;
  }
  if (!fault.logged.empty()) {
    EXPECT_TRUE(error_log_has(server, 0, "GET " + target + ": " + fault.logged + "\n"))
        << fault.name << server.error_log(0);
  }
}

TEST(BackendFaults, CostTheirOwnRequestAndAreSaid) {
  PlayedBackend backend;
  const Server server({.sites = {{"a.example", {}, backend.settings(R"(, "time_limit": "400ms")")},
                                 {"b.example", {{"index.html", "of b"}}}}});
  const Neighbour neighbour(server);
  for (const Fault& fault : faults) {
    expect_cost(fault, server, "/" + fault.name, &backend);
    // It is not taken for good: the next request comes by a connection of its own.
    backend.close();
  }
}

// Says what is in the file that it is asked for. A socket(7) of its kind is reset by who closes it
// with something unread.
constexpr const char* application = R"(import os, signal, socket, time
listener = socket.socket(fileno=3)
waiting = []
while True:
    peer, _ = listener.accept()
    path, _, then = peer.recv(65536, socket.MSG_PEEK).split(b' ')[1].partition(b'?')
    if then == b'crashes': os.kill(os.getpid(), signal.SIGSEGV)
    if then != b'resets': peer.recv(65536)
    text = open(b'says' + path, 'rb').read() if os.path.isfile(b'says' + path) else b'?'
    for piece in [text] if path != b'/slow' else [text[i:i+1] for i in range(len(text))]:
        peer.sendall(piece)
        if path == b'/slow': time.sleep(0.002)
    if then == b'waits': waiting.append(peer)
    else: peer.close()
)";

constexpr const char* well =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nwell";

std::string query_of(Then then) {
  return then == Then::waits ? "?waits" : then == Then::resets ? "?resets" : "?closes";
}

TEST(ApplicationFaults, CostTheirOwnRequestAndAreSaid) {
  std::map<std::string, std::string> files{{"app.py", application}, {"says/well", well}};
  for (const Fault& fault : faults) files["says/" + fault.name] = fault.says;
  const Server server({.sites = {{"a.example", files,
                                  R"(, "app": {"command": ["/usr/bin/python3", "-SE", "app.py"],
                                      "time_limit": "1s"})"},
                                 {"b.example", {{"index.html", "of b"}}}}});
  const Neighbour neighbour(server);
  const auto expect_well = [&](const std::string& after) {
    EXPECT_TRUE(eventually([&] { return get(server.port(), "a.example", "/well").body == "well"; }))
        << after << server.error_log(0);
  };
  expect_well("its start");
  for (const Fault& fault : faults) {
    expect_cost(fault, server, "/" + fault.name + query_of(fault.then));
    expect_well(fault.name);
  }
  EXPECT_EQ(get(server.port(), "a.example", "/?crashes").status, 502);
  EXPECT_TRUE(error_log_has(server, 0, "was killed by SIGSEGV")) << server.error_log(0);
  expect_well("a crash");
}

}  // namespace
}  // namespace perchild::test::backend_faults_test
