#include "privsep/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "test/support/temporary_directory.h"

namespace perchild::test {
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

}  // namespace
}  // namespace perchild::test
