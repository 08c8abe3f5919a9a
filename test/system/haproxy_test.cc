// Behind a real HAProxy, which passes connections through and says whose they are.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "test/system/requests.h"

namespace perchild::test::haproxy_test {
namespace {

class HaProxy {
 public:
  // `backend`: the rest of a configuration that begins with a frontend on port(); its PORT is
  // replaced by `server_port`.
  HaProxy(std::string backend, std::uint16_t server_port) : port_(free_port()) {
    backend.replace(backend.find("PORT"), 4, std::to_string(server_port));
    const std::string file = directory_.write(
        "haproxy.cfg",
        "defaults\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n"
        "frontend visitors\n  bind 127.0.0.1:" +
            std::to_string(port_) + "\n  default_backend perchild\n" + backend + "\n");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execlp("haproxy", "haproxy", "-db", "-f", file.c_str(), nullptr);
      ::_exit(127);
    }
    if (!eventually([&] { return listens(); })) {
      stop();
      throw std::runtime_error("haproxy does not start");
    }
  }
  ~HaProxy() { stop(); }
  HaProxy(const HaProxy&) = delete;
  HaProxy& operator=(const HaProxy&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  bool listens() const {
    try {
      Client client(port_);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  TemporaryDirectory directory_;
  std::uint16_t port_;
  ::pid_t pid_ = 0;
};

constexpr const char* listed =
    R"([{ "address": "127.0.0.1:PORT", "proxy_protocol": ["127.0.0.1"] }])";

class BehindHaProxy : public testing::TestWithParam<const char*> {};

TEST_P(BehindHaProxy, AVisitorIsKnownByHisOwnAddressAndHasAConnectionOfHisOwn) {
  Server server({.sites = two_sites(), .listen = listed});
  const HaProxy proxy(std::string("backend perchild\n  server p 127.0.0.1:PORT ") + GetParam(),
                      server.port());
  for (const char* visitor : {"127.0.0.21", "127.0.0.22"}) {
    Client client(proxy.port(), "127.0.0.1", visitor);
    client.send(request("a.example") + request("a.example"));
    EXPECT_EQ(client.receive().body, "of a");
    EXPECT_EQ(client.receive().body, "of a");
    EXPECT_TRUE(access_log_has(server, 0, std::string(visitor) + " - - ["));
  }
  Client client(proxy.port(), "127.0.0.1", "127.0.0.23");
  client.send(request("b.example"));
  EXPECT_EQ(client.receive().body, "of b");
  EXPECT_TRUE(access_log_has(server, 1, "127.0.0.23 - - ["));
}

TEST_P(BehindHaProxy, HealthChecksAreAnswered) {
  Server server({.sites = two_sites(), .listen = listed});
  const HaProxy proxy(
      std::string("backend perchild\n  option httpchk\n"
                  "  http-check send meth GET uri / ver HTTP/1.1 hdr Host a.example\n"
                  "  http-check expect status 200\n"
                  "  server p 127.0.0.1:PORT check inter 100ms ") +
          GetParam(),
      server.port());
  EXPECT_TRUE(access_log_has(server, 0, "127.0.0.1 - - ["));
  // A server that fails its check would be taken out after three of them.
  EXPECT_TRUE(eventually([&] { return count_of(server.access_log(0), "\" 200 ") > 5; }));
  EXPECT_EQ(get(proxy.port(), "a.example").body, "of a");
}

INSTANTIATE_TEST_SUITE_P(Versions, BehindHaProxy,
                         testing::Values("send-proxy", "send-proxy-v2",
                                         "send-proxy-v2 proxy-v2-options ssl,unique-id,crc32c"),
                         [](const auto& one) { return "Option" + std::to_string(one.index); });

TEST(BehindAnUnlistedHaProxy, VisitorsAreRefusedAndTheReasonIsTold) {
  Server server(
      {.sites = two_sites(),
       .listen = R"([{ "address": "127.0.0.1:PORT", "proxy_protocol": ["192.0.2.1"] }])"});
  const HaProxy proxy("backend perchild\n  server p 127.0.0.1:PORT send-proxy-v2", server.port());
  EXPECT_EQ(get(proxy.port(), "a.example").status, 400);
  EXPECT_TRUE(server.wait_for_log(
      "127.0.0.1: refused with 400: a PROXY header from an address that \"proxy_protocol\" does "
      "not list"));
}

}  // namespace
}  // namespace perchild::test::haproxy_test
