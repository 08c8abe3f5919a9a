#include "privsep/local_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <filesystem>

#include "privsep/channel.h"
#include "test/support/in_child.h"
#include "test/support/temporary_directory.h"

namespace perchild::test::local_socket_test {
namespace {

class LocalSocket : public ::testing::Test {
 protected:
  Result<UniqueFd> listen(const std::string& name, unsigned mode) {
    // Each time anew, as every server does: a lock belongs to one opening of the folder.
    const UniqueFd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return listen_local(directory.borrow(), path_, name, mode);
  }

  // What connecting as this user comes to: an errno.
  int connect_as(::uid_t uid, const std::string& name) {
    return in_child_as(uid, uid,
                       [&] {
                         const auto connected = connect_local(path_, name);
                         return connected ? 0 : connected.error().error;
                       })
        .status;
  }

  const TemporaryDirectory folder_;
  std::string path_ = folder_.path();
};

TEST_F(LocalSocket, ConnectsThoseWhomItsModeLets) {
  const auto roots = listen("control", 0600);
  const auto everybodys = listen("status", 0666);
  ASSERT_TRUE(roots) << roots.error().text();
  ASSERT_TRUE(everybodys) << everybodys.error().text();
  EXPECT_TRUE(connect_local(path_, "control"));
  EXPECT_TRUE(connect_local(path_, "status"));
  EXPECT_EQ(connect_as(20001, "control"), EACCES);
  EXPECT_EQ(connect_as(20001, "status"), 0);
}

TEST_F(LocalSocket, TellsWhoHasConnected) {
  const auto listener = listen("status", 0666);
  ASSERT_TRUE(listener);
  EXPECT_EQ(accept_local(listener->borrow()).error().error, EAGAIN);
  ASSERT_EQ(connect_as(20001, "status"), 0);
  const auto tenant = accept_local(listener->borrow());
  ASSERT_TRUE(tenant);
  EXPECT_EQ(*peer_uid(tenant->borrow()), Uid{20001});
  const auto connection = connect_local(path_, "status");
  ASSERT_TRUE(connection);
  const auto root = accept_local(listener->borrow());
  ASSERT_TRUE(root);
  EXPECT_EQ(*peer_uid(root->borrow()), Uid{0});
}

TEST_F(LocalSocket, IsRefusedWhereSomebodyListens) {
  const auto first = listen("control", 0600);
  ASSERT_TRUE(first);
  const auto second = listen("control", 0600);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text(), "listen " + path_ + "/control: a server runs there already");
  EXPECT_TRUE(connect_local(path_, "control"));
}

TEST_F(LocalSocket, ReplacesOneThatNobodyListensTo) {
  ASSERT_TRUE(listen("control", 0600));  // and closes it at once
  EXPECT_EQ(connect_local(path_, "control").error().error, ECONNREFUSED);
  const auto second = listen("control", 0600);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_TRUE(connect_local(path_, "control"));
}

TEST_F(LocalSocket, LeavesNothingButItself) {
  const auto listener = listen("control", 0640);
  ASSERT_TRUE(listener);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    names.push_back(entry.path().filename());
  }
  EXPECT_EQ(names, std::vector<std::string>{"control"});
  struct ::stat facts;
  ASSERT_EQ(::stat((path_ + "/control").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0640U);
}

TEST_F(LocalSocket, MayLieInAFolderOfAnyDepth) {
  for (int i = 0; i < 5; ++i) path_ += "/a-folder-with-a-long-name";
  ASSERT_GT(path_.size(), 108U);
  std::filesystem::create_directories(path_);
  const auto listener = listen("control", 0600);
  ASSERT_TRUE(listener) << listener.error().text();
  EXPECT_TRUE(connect_local(path_, "control"));
}

TEST_F(LocalSocket, KeepsMessagesApart) {
  const auto listener = listen("control", 0600);
  ASSERT_TRUE(listener);
  const auto connection = connect_local(path_, "control");
  ASSERT_TRUE(connection);
  const std::array<std::byte, 3> bytes{};
  EXPECT_EQ(send_with_fds(connection->borrow(), bytes, {}), SendStatus::sent);
  EXPECT_EQ(send_with_fds(connection->borrow(), std::span(bytes).first(1), {}), SendStatus::sent);
  const auto accepted = accept_local(listener->borrow());
  ASSERT_TRUE(accepted);
  std::array<std::byte, 8> buffer;
  EXPECT_EQ(receive_with_fds(accepted->borrow(), buffer).length, 3U);
  EXPECT_EQ(receive_with_fds(accepted->borrow(), buffer).length, 1U);
}

}  // namespace
}  // namespace perchild::test::local_socket_test
