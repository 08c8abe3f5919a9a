// Programs that run while the configuration is reloaded, or logs are opened anew.
#include <gtest/gtest.h>

#include <filesystem>

#include "test/system/asking.h"
#include "test/system/reloading.h"

namespace perchild::test::programs_reload_test {
namespace {

// Says that it runs, waits for the file "go", and says by which settings it was started.
constexpr const char* waiting =
    "#!/bin/sh\necho begun >&2\nuntil [ -e go ]; do sleep 0.01; done\n"
    "echo ended >&2\nprintf \"Content-Type: text/plain\\n\\n$WHICH\"\n";

class RunningPrograms : public ::testing::Test {
 protected:
  RunningPrograms()
      : server_({.sites = {{"a.example",
                            {{"cgi-bin/.keep", ""}, {"which.php", "<?php echo getenv('WHICH');"}},
                            R"(, "php": {"environment": {"WHICH": "first"}},
                                 "cgi": {"environment": {"WHICH": "first"}})"}}}) {
    server_.add_file(0, "cgi-bin/wait", waiting, 0700);
    client_.emplace(server_.port());
    client_->send(request("a.example", "/cgi-bin/wait", "Connection: close\r\n"));
    EXPECT_TRUE(error_log_has(server_, 0, "cgi: begun"));
  }
  std::string which() { return get(server_.port(), "a.example", "/which.php").body; }
  void let_it_end() { server_.add_file(0, "cgi-bin/go", ""); }

  Server server_;
  std::optional<Client> client_;
};

TEST_F(RunningPrograms, EndAsTheyHaveBegunWhenTheirSettingsChange) {
  EXPECT_EQ(which(), "first");
  const ::pid_t runner = server_.runners_of(0).at(0).pid;
  for (int i = 0; i < 2; ++i) edit(server_, R"("WHICH": "first")", R"("WHICH": "second")");
  const CommandEnd end = reload(server_);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_EQ(which(), "second");
  EXPECT_EQ(server_.runners_of(0).size(), 2U);
  let_it_end();
  EXPECT_EQ(body_of(client_->receive_to_end().value_or("")), "first");
  EXPECT_TRUE(eventually([&] { return ::kill(runner, 0) != 0; }));
  EXPECT_EQ(which(), "second");
}

// Its connection is kept, as the client has been told or will be, who may be asking again.
TEST_F(RunningPrograms, AreFollowedByTheNextRequestOfTheirConnectionWhenTheirWorkerLeaves) {
  Client kept(server_.port());
  kept.send(request("a.example", "/cgi-bin/wait"));
  EXPECT_TRUE(eventually([&] { return count_of(server_.error_log(0), "cgi: begun") == 2; }));
  for (int i = 0; i < 2; ++i) edit(server_, R"("WHICH": "first")", R"("WHICH": "second")");
  const CommandEnd end = reload(server_);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_EQ(which(), "second");
  let_it_end();
  std::string first;
  while (body_of(first) != "first") {
    const std::string some = kept.receive_some();
    ASSERT_FALSE(some.empty()) << first;
    first += some;
  }
  kept.send(request("a.example", "/which.php"));
  const HttpResponse second = kept.receive();
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.fields.at("connection"), "close");
  EXPECT_EQ(second.body, "first");
}

// What it ran ends with it, and its worker's other connections do not.
TEST_F(RunningPrograms, OfARunnerThatDiesAfterAreFollowedByThoseOfItsSuccessor) {
  Client kept(server_.port());
  kept.send(request("a.example", "/which.php"));
  EXPECT_EQ(kept.receive().body, "first");
  const ::pid_t runner = server_.runners_of(0).at(0).pid;
  for (int i = 0; i < 2; ++i) edit(server_, R"("WHICH": "first")", R"("WHICH": "second")");
  EXPECT_EQ(reload(server_).status, 0);
  ASSERT_EQ(::kill(runner, SIGKILL), 0);
  kept.send(request("a.example", "/which.php"));
  EXPECT_EQ(kept.receive().body, "first");
  EXPECT_EQ(which(), "second");
}

constexpr const char* waiting_application = R"(import http.server, os, socket, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self): return 'somebody'
    def log_message(self, *a): pass
    def do_GET(self):
        if self.path == '/wait':
            print('begun', file=sys.stderr, flush=True)
            while not os.path.exists('go'): time.sleep(0.01)
        self.send_response(200)
        self.send_header('Content-Length', str(len(os.environ['WHICH'])))
        self.end_headers()
        self.wfile.write(os.environ['WHICH'].encode())
def serve(peer):
    Handler(peer, ('', 0), None)
    peer.shutdown(socket.SHUT_RDWR)
listener = socket.socket(fileno=3)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],)).start()
)";

TEST(RunningApplication, EndsWhatItHasBegunWhileItsSuccessorServesAndThenEnds) {
  Server server({.sites = {{"a.example",
                            {{"app.py", waiting_application}},
                            R"(, "app": {"command": ["/usr/bin/python3", "-SE", "app.py"],
                                         "environment": {"WHICH": "first"}})"}}});
  Client client(server.port());
  client.send(request("a.example", "/wait", "Connection: close\r\n"));
  ASSERT_TRUE(error_log_has(server, 0, "app: begun")) << server.error_log(0);
  const ::pid_t runner = server.runners_of(0).at(0).pid;
  edit(server, R"("WHICH": "first")", R"("WHICH": "second")");
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_EQ(get(server.port(), "a.example").body, "second");
  server.add_file(0, "go", "");
  EXPECT_EQ(body_of(client.receive_to_end().value_or("")), "first");
  EXPECT_TRUE(eventually([&] { return ::kill(runner, 0) != 0; }));
  EXPECT_EQ(get(server.port(), "a.example").body, "second");
}

TEST_F(RunningPrograms, GoOnWhenNothingOfTheirSiteChanges) {
  const ::pid_t runner = server_.runners_of(0).at(0).pid;
  edit(server_, R"("vhosts")", R"("drain_timeout": "20s", "vhosts")");
  const CommandEnd end = reload(server_);
  EXPECT_EQ(end.status, 0) << end.output;
  let_it_end();
  EXPECT_EQ(body_of(client_->receive_to_end().value_or("")), "first");
  EXPECT_EQ(server_.runners_of(0).at(0).pid, runner);
}

TEST_F(RunningPrograms, WriteIntoALogThatIsOpenedAnew) {
  const std::string log = server_.log_directory() + "/a.example.error.log";
  std::filesystem::rename(log, log + ".1");
  const CommandEnd end = ask_server(server_, "reopen");
  ASSERT_EQ(end.status, 0) << end.output;
  let_it_end();
  EXPECT_TRUE(eventually(
      [&] { return std::filesystem::exists(log) && contains(read_file(log), "cgi: ended"); }));
  EXPECT_FALSE(contains(read_file(log + ".1"), "cgi: ended"));
}

}  // namespace
}  // namespace perchild::test::programs_reload_test
