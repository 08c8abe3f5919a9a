// Servers that somebody else runs.
#include "daemon/runner/backend.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "test/daemon/runner/runner_under_test.h"
#include "test/support/in_child.h"

namespace perchild::test::backend_test {
namespace {

ProgramSettings backend_at(const std::string& address) {
  return {.kind = ProgramKind::backend,
          .protocol = ProgramProtocol::http,
          .name = "proxy",
          .address = address};
}

// Listens as this user; a socket's peer is who called listen(2).
class UnixServer {
 public:
  explicit UnixServer(::uid_t uid)
      : path_("/run/perchild-test-" + std::to_string(::getpid()) + ".sock") {
    ::unlink(path_.c_str());
    socket_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::chmod(path_.c_str(), 0666), 0);
    EXPECT_EQ(in_child_as(uid, uid, [&] { return ::listen(socket_.get(), 8); }).status, 0);
  }
  ~UnixServer() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }
  BorrowedFd socket() const { return socket_.borrow(); }

 private:
  std::string path_;
  UniqueFd socket_;
};

TEST(UnixBackend, OfTheSitesUserIsConnectedTo) {
  const UnixServer server(uid_a);
  RunnerUnderTest runner({backend_at(server.path())});
  AskingWorker worker = runner.attach();
  worker.acquire();
  const auto answer = worker.answer();
  ASSERT_TRUE(answer.acquired()) << runner.error_log();
  const UniqueFd accepted(::accept4(server.socket().get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(::send(accepted.get(), "hello", 5, MSG_NOSIGNAL), 5);
  char said[5];
  EXPECT_EQ(::recv(answer.connection.get(), said, 5, 0), 5);
}

TEST(UnixBackend, OfAnotherUserIsNot) {
  const UnixServer server(uid_b);
  RunnerUnderTest runner({backend_at(server.path())});
  AskingWorker worker = runner.attach();
  worker.acquire();
  EXPECT_EQ(worker.answer().refusal, NotAcquiredReason::forbidden);
  EXPECT_TRUE(runner.logs("is not a socket of the site's user")) << runner.error_log();
}

TEST(UnixBackend, ThatIsNotThereIsUnreachable) {
  RunnerUnderTest runner({backend_at("/run/perchild-test-nowhere.sock")});
  AskingWorker worker = runner.attach();
  worker.acquire();
  EXPECT_EQ(worker.answer().refusal, NotAcquiredReason::unreachable);
  EXPECT_TRUE(runner.logs("cannot be connected to: No such file")) << runner.error_log();
}

TEST(PortBackend, IsConnectedToOrUnreachable) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(socket.get(), 8), 0);
  ::sockaddr_in bound{};
  ::socklen_t length = sizeof bound;
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<::sockaddr*>(&bound), &length), 0);
  RunnerUnderTest runner({backend_at("127.0.0.1:" + std::to_string(ntohs(bound.sin_port))),
                          backend_at("127.0.0.1:" + std::to_string(free_port())),
                          backend_at("192.0.2.1:80")});
  AskingWorker worker = runner.attach();
  worker.acquire(0);
  EXPECT_TRUE(worker.answer().acquired()) << runner.error_log();
  worker.acquire(1);
  EXPECT_EQ(worker.answer().refusal, NotAcquiredReason::unreachable);
  worker.acquire(2);
  EXPECT_EQ(worker.answer().refusal, NotAcquiredReason::forbidden);
}

TEST(LoopbackAddress, IsOneOfThisMachinesOwn) {
  for (const char* good : {"127.0.0.1:1", "127.1.2.3:65535", "[::1]:80"}) {
    EXPECT_TRUE(parse_loopback_address(good)) << good;
  }
  for (const char* bad :
       {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:8x",
        "10.0.0.1:80", "0.0.0.0:80", "[::]:80", "[::1]", "::1:80", "[::2]:80", "localhost:80",
        "[::ffff:127.0.0.1]:80", "127.0.0.1:-1", "[:80", "]:80"}) {
    EXPECT_FALSE(parse_loopback_address(bad)) << bad;
  }
}

}  // namespace
}  // namespace perchild::test::backend_test
