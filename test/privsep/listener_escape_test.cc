// From a listener to a connection of one's own choice, without connect(2): a shutdown for reading
// makes it an unconnected socket, and sendto(2) with MSG_FASTOPEN connects that. Landlock up to ABI
// 7 looks at connect(2) only, so the system-call filters are what stops it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "policy/role_policy.h"
#include "privsep/syscall_filter.h"
#include "privsep/unique_fd.h"
#include "test/support/in_child.h"

namespace perchild::test::listener_escape_test {
namespace {

struct Listening {
  UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  ::sockaddr_in address{};

  Listening() {
    ::sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t length = sizeof address;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<::sockaddr*>(&loopback), sizeof loopback), 0);
    EXPECT_EQ(::listen(socket.get(), 8), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<::sockaddr*>(&address), &length), 0);
  }
  bool was_connected_to() const {
    return UniqueFd(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC)).has_value();
  }
};

class ListenerEscape : public ::testing::Test {
 protected:
  bool undo_listener() { return ::shutdown(own_.socket.get(), SHUT_RD) == 0; }
  bool connect_out() {
    return ::sendto(own_.socket.get(), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                    reinterpret_cast<const ::sockaddr*>(&victim_.address),
                    sizeof victim_.address) == 1 ||
           errno == EINPROGRESS;
  }
  static bool under_filter(Role role) {
    const auto filter = compile_syscall_filter(role);
    return filter && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           load_syscall_filter(*filter).has_value();
  }
  Listening own_;     // as a router has them
  Listening victim_;  // where nobody of ours has any business
};

TEST_F(ListenerEscape, WorksWithoutAFilter) {
  EXPECT_EQ(in_child([&] { return undo_listener() && connect_out() ? 0 : 1; }).status, 0);
  EXPECT_TRUE(victim_.was_connected_to());
}

TEST_F(ListenerEscape, IsStoppedAtItsFirstStepSoThatTheListenerStays) {
  for (const Role role : {Role::router, Role::worker, Role::checker, Role::keeper}) {
    const ChildEnd end = in_child([&] { return under_filter(role) && undo_listener() ? 0 : 1; });
    EXPECT_FALSE(end.exited);
    EXPECT_EQ(end.status, SIGSYS);
  }
  ASSERT_EQ(::listen(own_.socket.get(), 8), 0);
  EXPECT_EQ(in_child([&] { return connect_out() ? 1 : 0; }).status, 0);  // it listens: no way out
}

TEST_F(ListenerEscape, IsStoppedAtItsSecondStepToo) {
  ASSERT_TRUE(undo_listener());
  for (const Role role : {Role::router, Role::worker, Role::checker, Role::keeper}) {
    const ChildEnd end = in_child([&] { return under_filter(role) && connect_out() ? 0 : 1; });
    EXPECT_FALSE(end.exited);
    EXPECT_EQ(end.status, SIGSYS);
  }
  EXPECT_FALSE(victim_.was_connected_to());
}

}  // namespace
}  // namespace perchild::test::listener_escape_test
