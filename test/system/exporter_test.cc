// `perchild metrics --listen`: what Prometheus fetches, and what the process is that answers it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test::exporter_test {
namespace {

constexpr ::uid_t exporter_uid = 19003;

class Exporter {
 public:
  Exporter(const Server& server, const std::string& listen) {
    const std::string command = bin_directory() + "/perchild";
    const std::string runtime_dir = server.directory().path() + "/run";
    const std::string user = std::to_string(exporter_uid);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(command.c_str(), "perchild", "metrics", "--listen", listen.c_str(), "--user",
              user.c_str(), "--runtime-dir", runtime_dir.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~Exporter() {
    ::kill(pid_, SIGKILL);
    if (!ended_) ::waitpid(pid_, nullptr, 0);
  }
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  std::string status() const { return read_file("/proc/" + std::to_string(pid_) + "/status"); }
  bool ends() {
    ended_ = eventually([&] { return ::waitpid(pid_, nullptr, WNOHANG) == pid_; });
    return ended_;
  }

 private:
  ::pid_t pid_;
  bool ended_ = false;
};

class Exporting : public ::testing::Test {
 protected:
  Exporting()
      : server_({.sites = two_sites()}),
        port_(free_port()),
        exporter_(server_, "127.0.0.1:" + std::to_string(port_)) {
    EXPECT_TRUE(eventually([&] { return listens(); }));
  }
  bool listens() const {
    try {
      Client client(port_);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }
  HttpResponse fetch(const std::string& bytes = request("127.0.0.1", "/metrics")) const {
    Client client(port_);
    client.send(bytes);
    return client.receive();
  }

  Server server_;
  std::uint16_t port_;
  Exporter exporter_;
};

TEST_F(Exporting, TellsAllSitesByTheirConfiguredNames) {
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server_.port(), "nobody.example").status, 421);
  const HttpResponse first = fetch();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.fields.at("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(first.body.ends_with("\n# EOF\n"));
  EXPECT_TRUE(eventually([&] {
    return contains(fetch().body,
                    "perchild_site_requests_total{site=\"a.example\",class=\"2xx\"} 1\n");
  }));
  const std::string body = fetch().body;
  EXPECT_TRUE(contains(body, "perchild_site_state{site=\"b.example\",state=\"idle\"} 1\n"));
  EXPECT_FALSE(contains(body, "nobody.example"));
}

TEST_F(Exporting, AnswersNothingElse) {
  EXPECT_EQ(fetch(request("127.0.0.1", "/")).status, 404);
  EXPECT_EQ(fetch(request("127.0.0.1", "/metrics", "Content-Length: 0\r\n", "POST")).status, 405);
  EXPECT_EQ(fetch("what is this\r\n\r\n").status, 400);
  EXPECT_EQ(fetch("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status, 400);
  EXPECT_EQ(fetch("GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + std::string(70'000, 'x')).status,
            400);
  EXPECT_EQ(fetch().status, 200);
}

TEST_F(Exporting, IsNobodyAndMayDoNothing) {
  EXPECT_EQ(fetch().status, 200);
  const std::string status = exporter_.status();
  const std::string uid = std::to_string(exporter_uid);
  EXPECT_TRUE(contains(status, "Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid)) << status;
  EXPECT_TRUE(contains(status, "Groups:\t \n") || contains(status, "Groups:\t\n")) << status;
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_TRUE(contains(status, std::string(set) + ":\t0000000000000000\n")) << set;
  }
  EXPECT_TRUE(contains(status, "NoNewPrivs:\t1\n"));
  EXPECT_TRUE(contains(status, "Seccomp:\t2\n"));
}

TEST_F(Exporting, WhoSaysNothingKeepsNobodyOut) {
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(std::make_unique<Client>(port_));
  EXPECT_EQ(fetch().status, 200);
  EXPECT_TRUE(silent.front()->closed_by_server());
}

TEST_F(Exporting, ByteByByteItIsTheSame) {
  Client client(port_);
  for (const char c : request("127.0.0.1", "/metrics")) client.send(std::string(1, c));
  EXPECT_EQ(client.receive().status, 200);
}

// It could not come back to the master, so its starter is told.
TEST_F(Exporting, EndsWithTheServer) {
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_TRUE(exporter_.ends());
}

TEST(ExporterDoor, IsOnThisMachineOnlyAndNeverRoots) {
  Server server({.sites = two_sites()});
  const auto refused = [&](const std::string& listen, const std::string& user) {
    const CommandEnd end =
        run_command({bin_directory() + "/perchild", "metrics", "--listen", listen, "--user", user,
                     "--runtime-dir", server.directory().path() + "/run"});
    EXPECT_EQ(end.status, 1);
    return end.output;
  };
  EXPECT_TRUE(contains(refused("192.0.2.1:9145", "19003"), "not an address of this machine alone"));
  EXPECT_TRUE(contains(refused("*:9145", "19003"), "no address"));
  EXPECT_TRUE(contains(refused("127.0.0.1:9145", "0"), "as root: --user names somebody else"));
  EXPECT_TRUE(contains(refused("127.0.0.1:9145", "no-such-user"), "find user no-such-user"));
}

TEST(ExporterDoor, AtAPathLetsItsUserAndGroupConnect) {
  Server server({.sites = two_sites()});
  const std::string path = server.directory().path() + "/metrics.sock";
  const Exporter exporter(server, path);
  struct ::stat facts {};
  ASSERT_TRUE(eventually([&] { return ::stat(path.c_str(), &facts) == 0 && facts.st_uid != 0; }));
  EXPECT_EQ(facts.st_uid, exporter_uid);
  EXPECT_EQ(facts.st_gid, exporter_uid);
  EXPECT_EQ(facts.st_mode & 07777, 0660u);
  CommandEnd end;
  EXPECT_TRUE(eventually([&] {
    end = run_command({"curl", "-sS", "--unix-socket", path, "http://localhost/metrics"});
    return end.status == 0;
  })) << end.output;
  EXPECT_TRUE(end.output.ends_with("# EOF\n")) << end.output;
}

}  // namespace
}  // namespace perchild::test::exporter_test
