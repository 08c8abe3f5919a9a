// What a site's trouble costs: the site itself, for a while, and nobody else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>

#include "test/system/requests.h"

namespace perchild::test::trouble_test {
namespace {

TEST(Trouble, AWorkerThatDoesNotAnswerIsReplacedAndItsSuccessorServesWhatWaits) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  ASSERT_EQ(::kill(worker, SIGSTOP), 0);
  // Few enough to be taken into its channel at once: only the silence gives it away.
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request("a.example"));
  }
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  for (const auto& client : clients) EXPECT_EQ(client->receive(false, 20'000).body, "of a");
  EXPECT_TRUE(server.wait_for_log("worker of a.example does not answer: ended"));
  ASSERT_EQ(server.workers_of(0).size(), 1u);
  EXPECT_NE(server.workers_of(0).at(0).pid, worker);
}

TEST(Trouble, AWorkerThatIsOnlyFullIsLeftAlone) {
  Server server({.sites = two_sites(R"(, "limits": { "connections": 2 })")});
  std::vector<std::unique_ptr<Client>> holders;
  for (int i = 0; i < 3; ++i) {
    holders.push_back(std::make_unique<Client>(server.port()));
    holders.back()->send(request("a.example"));
    EXPECT_EQ(holders.back()->receive().status, 200);
  }
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  Client waiting(server.port());
  waiting.send(request("a.example"));
  // For longer than a worker may take to answer.
  EXPECT_EQ(waiting.receive_some(7'000), "");
  holders.pop_back();
  EXPECT_EQ(waiting.receive().body, "of a");
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
}

TEST(Trouble, ASuspendedSiteIsAnsweredWithoutAProcess) {
  Server server({.sites = two_sites(R"(, "suspended": true, "start": "always")")});
  const HttpResponse response = get(server.port(), "a.example", "/any?thing");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.fields.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(response.fields.at("connection"), "close");
  EXPECT_TRUE(contains(response.body, "This site is suspended"));
  EXPECT_TRUE(response.body.ends_with("</html>\n"));
  const HttpResponse head = ask(server, request("a.example", "/", "", "HEAD"), true);
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.fields.at("content-length"), response.fields.at("content-length"));
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_TRUE(server.workers_of(0).empty());
}

TEST(Trouble, ALogThatNobodyReadsStopsNobodyAndSaysWhatItLost) {
  // One page of pipe.
  const auto shrink = [](const std::string&) { ::fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096); };
  Server server({.sites = two_sites(), .before_exec = shrink});
  // A line for each, some a second; the last ones find no room.
  const std::int64_t end = now_ms() + 5'000;
  int refused = 0;
  for (; now_ms() < end; ++refused) {
    ASSERT_EQ(get(server.port(), "nobody.example").status, 421) << refused;
  }
  // The master has something to say too.
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  ASSERT_EQ(::kill(server.workers_of(0).at(0).pid, SIGKILL), 0);
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  server.log();
  EXPECT_TRUE(eventually([&] {
    static_cast<void>(get(server.port(), "nobody.example"));
    return contains(server.log(), "lines of this log were lost");
  }));
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace perchild::test::trouble_test
