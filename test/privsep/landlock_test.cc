// Each denial beside the same act without Landlock, and beside what stays allowed.
#include "privsep/landlock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>

#include "test/support/in_child.h"
#include "test/support/temporary_directory.h"

namespace perchild::test::landlock_test {
namespace {

constexpr int works = 0;
constexpr int not_set_up = 255;

int open_with(const std::string& path, int flags) {
  const UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  return file.has_value() ? works : errno;
}

int result_of(int status) {
  return status == 0 ? works : errno;
}

int bind_any(int family, int type) {
  const UniqueFd socket(::socket(family, type | SOCK_CLOEXEC, 0));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result_of(::bind(socket.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address));
}

int connect_tcp(std::uint16_t port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result_of(
      ::connect(socket.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address));
}

::sockaddr_un abstract_address() {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "perchild-test-" + std::to_string(::getppid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  return address;
}

class Landlock : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(landlock_abi(), 6) << "these tests need the kernel's scopes";
    inside_ = folder_.write("inside/file", "inside");
    outside_ = folder_.write("outside", "outside");
    readable_ =
        UniqueFd(::open((folder_.path() + "/inside").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  // What `act`, which returns 0 or an errno, returns under Landlock and without it.
  struct Outcome {
    int restricted;
    int free;
  };
  Outcome outcome_of(const std::function<int()>& act, bool anything_readable = true) {
    const auto readable =
        anything_readable ? std::optional(readable_.borrow()) : std::optional<BorrowedFd>();
    const ChildEnd restricted = in_child([&] {
      if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return not_set_up;
      return restrict_with_landlock(readable) ? act() : not_set_up;
    });
    return {restricted.status, in_child(act).status};
  }
  void expect_denied(const std::function<int()>& act, int error) {
    const Outcome outcome = outcome_of(act);
    EXPECT_EQ(outcome.free, works) << "the attack itself does not work";
    EXPECT_EQ(outcome.restricted, error);
  }

  TemporaryDirectory folder_;
  std::string inside_, outside_;
  UniqueFd readable_;
};

TEST_F(Landlock, NeedsNoNewPrivsUnlessPrivileged) {
  EXPECT_EQ(in_child_as(20001, 20001, [&] { return restrict_with_landlock(std::nullopt) ? 1 : 0; })
                .status,
            0);
}

TEST_F(Landlock, FilesBeneathTheReadableFolderAreRead) {
  const Outcome outcome = outcome_of([&] { return open_with(inside_, O_RDONLY); });
  EXPECT_EQ(outcome.restricted, works);
  EXPECT_EQ(outcome.free, works);
}

TEST_F(Landlock, FilesOutsideAreNotOpenedByAnyName) {
  expect_denied([&] { return open_with(outside_, O_RDONLY); }, EACCES);
  expect_denied([&] { return open_with("/etc/passwd", O_RDONLY); }, EACCES);
  expect_denied([&] { return open_with(folder_.path() + "/inside/../outside", O_RDONLY); }, EACCES);
  expect_denied([&] { return open_with("/proc/self/status", O_RDONLY); }, EACCES);
}

TEST_F(Landlock, WithoutAReadableFolderNothingIsOpened) {
  const Outcome outcome = outcome_of([&] { return open_with(inside_, O_RDONLY); }, false);
  EXPECT_EQ(outcome.restricted, EACCES);
  EXPECT_EQ(outcome.free, works);
}

TEST_F(Landlock, NothingIsWrittenMadeOrRemoved) {
  expect_denied([&] { return open_with(inside_, O_WRONLY); }, EACCES);
  expect_denied([&] { return open_with(inside_, O_RDONLY | O_TRUNC); }, EACCES);
  expect_denied([&] { return open_with(folder_.path() + "/inside/new", O_WRONLY | O_CREAT); },
                EACCES);
  expect_denied([&] { return result_of(::truncate(inside_.c_str(), 3)); }, EACCES);
  expect_denied([&] { return result_of(::mkdir((folder_.path() + "/inside/d").c_str(), 0700)); },
                EACCES);
  expect_denied([&] { return result_of(::symlink("x", (folder_.path() + "/inside/l").c_str())); },
                EACCES);
  expect_denied(
      [&] { return result_of(::link(inside_.c_str(), (folder_.path() + "/hard").c_str())); },
      EACCES);
  expect_denied([&] { return result_of(::unlink(outside_.c_str())); }, EACCES);
}

TEST_F(Landlock, TcpPortsAreNeitherBoundNorConnectedTo) {
  expect_denied([] { return bind_any(AF_INET, SOCK_STREAM); }, EACCES);
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  ::sockaddr_in address{};
  ::socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<::sockaddr*>(&address), &length), 0);
  expect_denied([&] { return connect_tcp(ntohs(address.sin_port)); }, EACCES);
}

TEST_F(Landlock, ProgramsConnectToThePortsThatAreNamedOrToAny) {
  if (!landlock_knows_ports()) GTEST_SKIP();
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  ::sockaddr_in address{};
  ::socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<::sockaddr*>(&address), &length), 0);
  const std::uint16_t port = ntohs(address.sin_port);
  const std::uint16_t ports[] = {1, port};
  const auto connect = [&](PermittedPorts permitted) {
    return in_child([&] {
             ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
             const auto ruleset = make_ruleset_of_programs({}, permitted);
             if (!ruleset || !restrict_reach_of_programs() ||
                 !restrict_with_ruleset(ruleset->borrow())) {
               return 255;
             }
             return connect_tcp(port);
           })
        .status;
  };
  EXPECT_EQ(connect(ports), works);
  EXPECT_EQ(connect(std::span(ports, 1)), EACCES);
  EXPECT_EQ(connect(std::span(ports, 0)), EACCES);
  EXPECT_EQ(connect(std::nullopt), works);
}

TEST_F(Landlock, AbstractSocketsOutsideAreOutOfReach) {
  const auto connect = [] {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const ::sockaddr_un address = abstract_address();
    return result_of(
        ::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address));
  };
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "perchild-test-" + std::to_string(::getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  expect_denied(connect, EPERM);
}

TEST_F(Landlock, ProcessesOutsideAreNotSignalled) {
  const ::pid_t test = ::getpid();
  expect_denied([test] { return result_of(::kill(test, 0)); }, EPERM);
  EXPECT_EQ(outcome_of([] { return result_of(::kill(::getpid(), 0)); }).restricted, works);
}

TEST_F(Landlock, DescriptorsThatAreOpenAlreadyKeepWorking) {
  const UniqueFd log(::open(outside_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const Outcome outcome =
      outcome_of([&] { return ::write(log.get(), "line\n", 5) == 5 ? works : errno; });
  EXPECT_EQ(outcome.restricted, works);
}

}  // namespace
}  // namespace perchild::test::landlock_test
