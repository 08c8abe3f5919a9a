#include "privsep/service_manager.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <functional>

#include "privsep/channel.h"
#include "test/support/in_child.h"
#include "test/support/temporary_directory.h"

namespace perchild::test::service_manager_test {
namespace {

// A service manager's end. `name` as in $NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + name.size());
    bound_ = ::bind(socket_.get(), reinterpret_cast<::sockaddr*>(&address), length) == 0;
  }
  bool bound() const { return bound_; }
  std::string received() const {
    char text[256];
    const ssize_t got = ::recv(socket_.get(), text, sizeof text, 0);
    return got < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(got));
  }

 private:
  UniqueFd socket_;
  bool bound_ = false;
};

TEST(ServiceManager, IsToldOverAPathOrAnAbstractName) {
  const TemporaryDirectory folder;
  const std::string abstract = "@perchild-test-notify-" + std::to_string(::getpid());
  for (const std::string& name : {folder.path() + "/notify", abstract}) {
    const Manager manager(name);
    ASSERT_TRUE(manager.bound());
    const auto socket = connect_service_manager(name.c_str());
    ASSERT_TRUE(socket);
    tell_service_manager(socket->borrow(), "READY=1");
    EXPECT_EQ(manager.received(), "READY=1");
    EXPECT_EQ(manager.received(), "nothing");
  }
}

TEST(ServiceManager, WithoutOneThereIsNoSocketAndNoError) {
  for (const char* name : {static_cast<const char*>(nullptr), ""}) {
    const auto socket = connect_service_manager(name);
    ASSERT_TRUE(socket);
    EXPECT_FALSE(socket->has_value());
  }
}

TEST(ServiceManager, ANameThatIsNoneIsAnError) {
  EXPECT_FALSE(connect_service_manager("relative/path"));
  EXPECT_FALSE(connect_service_manager("vsock:2:1"));
  EXPECT_FALSE(connect_service_manager(("/" + std::string(200, 'x')).c_str()));
  EXPECT_FALSE(connect_service_manager("/nowhere/perchild-test"));
}

TEST(ServiceManager, OneThatIsGoneOrDoesNotReadStopsNobody) {
  const TemporaryDirectory folder;
  const std::string name = folder.path() + "/notify";
  UniqueFd socket;
  {
    const Manager manager(name);
    auto connected = connect_service_manager(name.c_str());
    ASSERT_TRUE(connected);
    socket = std::move(*connected);
    for (int i = 0; i < 5000; ++i) tell_service_manager(socket.borrow(), "STATUS=full");
  }
  tell_service_manager(socket.borrow(), "STOPPING=1");
  tell_service_manager(BorrowedFd(-1), "STOPPING=1");
}

UniqueFd listening_socket() {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

TEST(ServiceManager, IsToldWhatToStoreByANameWithoutColons) {
  const TemporaryDirectory folder;
  const Manager manager(folder.path() + "/notify");
  const auto socket = connect_service_manager((folder.path() + "/notify").c_str());
  ASSERT_TRUE(socket);
  const UniqueFd listener = listening_socket();
  EXPECT_TRUE(store_listener(socket->borrow(), "[::1]:80", listener.borrow()));
  EXPECT_EQ(manager.received(), "FDSTORE=1\nFDNAME=listen-[__1]_80");
  forget_listener(socket->borrow(), "[::1]:80");
  EXPECT_EQ(manager.received(), "FDSTOREREMOVE=1\nFDNAME=listen-[__1]_80");
  EXPECT_FALSE(store_listener(BorrowedFd(-1), "[::1]:80", listener.borrow()));
}

TEST(ServiceManager, IsToldFromWhatElseASuccessorSpeaksTo) {
  const TemporaryDirectory folder;
  const Manager manager(folder.path() + "/notify");
  const auto socket = connect_service_manager((folder.path() + "/notify").c_str());
  ASSERT_TRUE(socket);
  EXPECT_TRUE(is_service_manager(socket->borrow()));
  const auto pair = make_channel_pair();
  ASSERT_TRUE(pair);
  EXPECT_FALSE(is_service_manager(pair->first.borrow()));
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(is_service_manager(null.borrow()));
}

// What comes from number 3 on, in a process of its own: ten times those that are bound, and those
// that are stored.
int passed_with(const std::function<std::string()>& pid, const char* count,
                const char* names = nullptr) {
  return in_child([&] {
           const UniqueFd listener = listening_socket();
           const UniqueFd other(::open("/dev/null", O_RDWR | O_CLOEXEC));
           const int a = ::fcntl(listener.get(), F_DUPFD, 100);
           const int b = ::fcntl(other.get(), F_DUPFD, 100);
           if (::dup2(a, 3) != 3 || ::dup2(b, 4) != 4 || ::dup2(a, 5) != 5) return 200;
           const auto taken = take_passed_listeners(pid().c_str(), count, names);
           for (const auto* sockets : {&taken.bound, &taken.stored}) {
             for (const UniqueFd& fd : *sockets) {
               if (::fcntl(fd.get(), F_GETFD) != FD_CLOEXEC) return 201;
             }
           }
           return static_cast<int>(10 * taken.bound.size() + taken.stored.size());
         })
      .status;
}

std::string own_pid() {
  return std::to_string(::getpid());
}

TEST(ServiceManager, WhatItPassesIsTakenByTheProcessThatItNamesAlone) {
  EXPECT_EQ(passed_with(own_pid, "3"), 20) << "what does not listen is left out";
  EXPECT_EQ(passed_with(own_pid, "1"), 10);
  EXPECT_EQ(passed_with(own_pid, "0"), 0);
  for (const char* count : {"", "-1", "x", "3x"}) {
    EXPECT_EQ(passed_with(own_pid, count), 0) << count;
  }
  EXPECT_EQ(passed_with([] { return std::to_string(::getppid()); }, "3"), 0);
  const auto none = take_passed_listeners(nullptr, nullptr, nullptr);
  EXPECT_TRUE(none.bound.empty() && none.stored.empty());
}

TEST(ServiceManager, WhatItHasBoundAndWhatItHasStoredDifferByTheirNames) {
  EXPECT_EQ(passed_with(own_pid, "3", "perchild.socket:x:listen-0.0.0.0_80"), 11);
  EXPECT_EQ(passed_with(own_pid, "3", "listen-a:listen-b:listen-c"), 2);
  // Of fewer names than sockets, and of none that there should be.
  for (const char* names : {"perchild.socket", "", ":", "::", "a:b:c:listen-d", "x:listen-y"}) {
    EXPECT_EQ(passed_with(own_pid, "3", names), 20) << names;
  }
}

}  // namespace
}  // namespace perchild::test::service_manager_test
