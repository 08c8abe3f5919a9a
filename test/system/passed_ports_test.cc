// A service without a network, as packaging/perchild.service makes it: it serves what systemd has
// bound, and says what to do where that is not what "listen" says.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iterator>
#include <stdexcept>

#include "test/system/reloading.h"
#include "test/system/requests.h"
#include "test/system/service_manager.h"

namespace perchild::test::passed_ports_test {
namespace {

// RestrictAddressFamilies=AF_UNIX, as systemd does it.
void forbid_networks() {
  ::sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, nr)),
                            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
                            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, args[0])),
                            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const ::sock_fprog program{std::size(filter), filter};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    throw std::runtime_error("PR_SET_SECCOMP");
  }
}

// Bound by perchild.socket.
struct BoundPort {
  std::uint16_t port = free_port();
  UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

  explicit BoundPort(std::uint32_t host = INADDR_LOOPBACK) {
    const int on = 1;
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(host);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), 16) != 0) {
      throw std::runtime_error("bind");
    }
  }
  std::string text() const { return "127.0.0.1:" + std::to_string(port); }
};

std::string listeners_at(const std::vector<std::string>& addresses) {
  std::string listen;
  for (const std::string& address : addresses) {
    listen += (listen.empty() ? "[{ \"address\": \"" : "},\n{ \"address\": \"") + address + '"';
  }
  return listen + " }]";
}

class PassedPorts : public ::testing::Test {
 protected:
  // Of a service that listens at `addresses`, and is passed `sockets`.
  ServerSpec spec_of(const std::vector<std::string>& addresses,
                     const std::multimap<std::string, BorrowedFd>& sockets,
                     const std::string& more_of_sites = "") const {
    return {.sites = two_sites(more_of_sites),
            .listen = listeners_at(addresses),
            .environment = {{"NOTIFY_SOCKET", manager_.path()}},
            .before_exec = [sockets](const std::string&) {
              pass_sockets(sockets);
              forbid_networks();
            }};
  }

  // What it says instead of starting.
  static std::string why_not(const ServerSpec& spec) {
    try {
      Server server(spec);
      return "it starts";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  ServiceManager manager_;
  const BoundPort first_, second_;
};

TEST_F(PassedPorts, AreServedAndStoredNowhereElse) {
  Server server(spec_of(
      {first_.text(), second_.text()},
      {{"perchild.socket", first_.socket.borrow()}, {"perchild.socket", second_.socket.borrow()}}));
  for (const BoundPort* bound : {&first_, &second_}) {
    EXPECT_EQ(get(bound->port, "a.example").body, "of a");
  }
  EXPECT_TRUE(eventually([&] { return manager_.has_heard("READY=1"); }));
  EXPECT_EQ(manager_.stored(), 0u);
  EXPECT_FALSE(contains(server.log(), "perchild.socket")) << server.log();
}

// packaging/network.conf: what is not passed is bound, and that alone is stored.
TEST_F(PassedPorts, AServiceWithANetworkBindsTheOthers) {
  const std::string own = "127.0.0.1:" + std::to_string(free_port());
  ServerSpec spec = spec_of({first_.text(), own}, {});
  spec.before_exec = [&](const std::string&) {
    pass_sockets({{"perchild.socket", first_.socket.borrow()}});
  };
  Server server(spec);
  EXPECT_TRUE(eventually([&] { return manager_.has_heard("READY=1"); }));
  EXPECT_TRUE(manager_.has_heard("FDNAME=listen-127.0.0.1_" + own.substr(own.find(':') + 1)));
  EXPECT_EQ(manager_.stored(), 1u);
  EXPECT_EQ(get(first_.port, "a.example").body, "of a");
}

TEST_F(PassedPorts, WithoutAnyItDoesNotStartAndSaysWhatToDo) {
  const std::string said = why_not(spec_of({first_.text(), second_.text()}, {}));
  EXPECT_TRUE(contains(said, "/perchild.json:1:")) << said;
  EXPECT_TRUE(contains(said, ": perchild.socket has not bound " + first_.text() + ", " +
                                 second_.text() + ", and this service has no network"))
      << said;
  EXPECT_TRUE(contains(said, "systemctl enable perchild.socket && systemctl restart perchild"))
      << said;
  EXPECT_TRUE(contains(said, "packaging/network.conf")) << said;
}

TEST_F(PassedPorts, OneThatIsNotAmongThemIsNamedWithItsPlace) {
  const std::string said = why_not(
      spec_of({first_.text(), second_.text()}, {{"perchild.socket", first_.socket.borrow()}}));
  EXPECT_TRUE(contains(said, "/perchild.json:2:")) << said;
  EXPECT_TRUE(contains(said, "has not bound " + second_.text() + ",")) << said;
  EXPECT_TRUE(contains(said, "add ListenStream=" + second_.text() + " to perchild.socket")) << said;
}

TEST_F(PassedPorts, HaveToHaveBothFamiliesOfAWildcard) {
  if (::access("/proc/net/if_inet6", F_OK) != 0) GTEST_SKIP() << "there is no IPv6";
  const BoundPort everywhere(INADDR_ANY);
  const std::string port = std::to_string(everywhere.port);
  const std::string said =
      why_not(spec_of({"*:" + port}, {{"perchild.socket", everywhere.socket.borrow()}}));
  EXPECT_TRUE(contains(said, "has not bound [::]:" + port + ",")) << said;
}

TEST_F(PassedPorts, ThatNobodyServesAreNamed) {
  Server server(spec_of({first_.text()}, {{"perchild.socket", first_.socket.borrow()},
                                          {"perchild.socket", second_.socket.borrow()}}));
  EXPECT_TRUE(contains(server.log(), "perchild.socket listens at " + second_.text() + ", which"))
      << server.log();
  EXPECT_EQ(get(first_.port, "a.example").body, "of a");
}

// They are of a service that has bound its ports: packaging/network.conf, or an older unit.
TEST_F(PassedPorts, StoredOnesAreNoneAndAreForgotten) {
  const std::string said =
      why_not(spec_of({first_.text()}, {{"listen-x", first_.socket.borrow()}}));
  EXPECT_TRUE(contains(said, "has not bound " + first_.text())) << said;
  EXPECT_TRUE(manager_.has_heard("FDSTOREREMOVE=1\nFDNAME=listen-127.0.0.1_" +
                                 std::to_string(first_.port)));
}

TEST_F(PassedPorts, AReloadUnderNoWallsAddsNoneThatTheNextStartWouldNotHave) {
  Server server(spec_of({first_.text()}, {{"perchild.socket", first_.socket.borrow()}}));
  const std::uint16_t added = free_port();
  const std::string address = "127.0.0.1:" + std::to_string(added);
  edit(server, "[{ \"address\"", "[{ \"address\": \"" + address + "\" },\n{ \"address\"");
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "/perchild.json:1:")) << end.output;
  EXPECT_TRUE(contains(end.output, "add ListenStream=" + address + " to perchild.socket"))
      << end.output;
  EXPECT_TRUE(contains(end.output, "nothing has been changed")) << end.output;
  EXPECT_THROW(Client{added}, std::exception);
  EXPECT_EQ(get(first_.port, "a.example").body, "of a");
}

TEST_F(PassedPorts, WhatTheServiceCannotReachIsNamedAtItsStartAndByAReload) {
  const std::string proxy = R"(, "proxy": { "to": "http://127.0.0.1:1" })";
  const std::string sentence = "backends at ports, or the mail, of a.example are out of reach";
  Server sealed(spec_of({first_.text()}, {{"perchild.socket", first_.socket.borrow()}}, proxy));
  EXPECT_TRUE(contains(sealed.log(), sentence)) << sealed.log();
  EXPECT_TRUE(contains(reload(sealed).output, "warning: " + sentence));
  Server open({.sites = two_sites(proxy)});
  EXPECT_FALSE(contains(open.log(), "out of reach"));
  EXPECT_FALSE(contains(reload(open).output, "out of reach"));
}

}  // namespace
}  // namespace perchild::test::passed_ports_test
