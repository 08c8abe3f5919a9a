#include "privsep/fd_passing.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "privsep/channel.h"
#include "test/privsep/descriptors.h"

namespace perchild::test::fd_passing_test {
namespace {

// Sends what send_with_fds() would not: control data as given.
class RawMessage {
 public:
  explicit RawMessage(std::size_t length) : bytes_(length, std::byte{7}) {}

  RawMessage& rights(const std::vector<int>& fds) {
    append(SCM_RIGHTS, fds.data(), sizeof(int) * fds.size());
    return *this;
  }
  RawMessage& credentials() {
    const ::ucred self{::getpid(), ::getuid(), ::getgid()};
    append(SCM_CREDENTIALS, &self, sizeof self);
    return *this;
  }
  bool send(BorrowedFd socket) {
    ::iovec part{bytes_.data(), bytes_.size()};
    ::msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control_.data();
    header.msg_controllen = control_.size();
    return ::sendmsg(socket.get(), &header, MSG_NOSIGNAL) >= 0;
  }

 private:
  void append(int type, const void* data, std::size_t size) {
    const std::size_t at = control_.size();
    control_.resize(at + CMSG_SPACE(size));
    ::cmsghdr header{};
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(size);
    std::memcpy(control_.data() + at, &header, sizeof header);
    std::memcpy(control_.data() + at + CMSG_LEN(0), data, size);
  }
  std::vector<std::byte> bytes_;
  std::vector<std::byte> control_;
};

class FdPassing : public ::testing::Test {
 protected:
  static constexpr std::size_t length = 16;

  void SetUp() override {
    auto pair = make_channel_pair();
    ASSERT_TRUE(pair);
    sender_ = std::move(pair->first);
    receiver_ = std::move(pair->second);
    any_ = any_descriptor();
    before_ = open_descriptors();
  }
  // Whatever has happened, nothing stays open but what the test itself still holds.
  void TearDown() override { EXPECT_EQ(open_descriptors(), before_); }

  std::vector<int> fds(std::size_t count) const { return std::vector<int>(count, any_.get()); }
  ReceivedBytes receive(std::size_t room = length) {
    std::vector<std::byte> buffer(room);
    return receive_with_fds(receiver_.borrow(), buffer);
  }
  void expect_malformed(RawMessage message, std::size_t room = length) {
    ASSERT_TRUE(message.send(sender_.borrow()));
    const ReceivedBytes received = receive(room);
    EXPECT_EQ(received.status, ReceiveStatus::malformed);
    EXPECT_EQ(received.fd_count, 0u);
    EXPECT_EQ(open_descriptors(), before_);
  }

  UniqueFd sender_, receiver_, any_;
  std::set<int> before_;
};

TEST_F(FdPassing, DescriptorsArriveInOrderAndCloseOnExec) {
  const UniqueFd other = any_descriptor();
  const std::array<BorrowedFd, 2> both{any_.borrow(), other.borrow()};
  const std::array<std::byte, length> bytes{};
  ASSERT_EQ(send_with_fds(sender_.borrow(), bytes, both), SendStatus::sent);
  const ReceivedBytes received = receive();
  ASSERT_EQ(received.status, ReceiveStatus::message);
  ASSERT_EQ(received.fd_count, 2u);
  EXPECT_EQ(received.length, length);
  EXPECT_TRUE(same_file(received.fds[0].borrow(), any_.borrow()));
  EXPECT_TRUE(same_file(received.fds[1].borrow(), other.borrow()));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(::fcntl(received.fds[i].get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_F(FdPassing, AsManyDescriptorsAsThereIsRoomForAreOneMessage) {
  ASSERT_TRUE(RawMessage(length).rights(fds(max_passed_fds)).send(sender_.borrow()));
  const ReceivedBytes received = receive();
  EXPECT_EQ(received.status, ReceiveStatus::message);
  EXPECT_EQ(received.fd_count, max_passed_fds);
}

TEST_F(FdPassing, EachSurplusDescriptorMakesTheMessageMalformedAndIsClosed) {
  for (const std::size_t count : {max_passed_fds + 1, max_passed_fds + 2, std::size_t{253}}) {
    expect_malformed(RawMessage(length).rights(fds(count)));
  }
}

// unix(7): the kernel joins several SCM_RIGHTS headers of one message into one, of all of them.
TEST_F(FdPassing, SeveralHeadersAreCountedTogether) {
  RawMessage two(length);
  ASSERT_TRUE(two.rights(fds(1)).rights(fds(1)).send(sender_.borrow()));
  const ReceivedBytes received = receive();
  ASSERT_EQ(received.status, ReceiveStatus::message);
  EXPECT_EQ(received.fd_count, 2u);
}

TEST_F(FdPassing, SeveralHeadersDoNotSmuggleASurplus) {
  RawMessage many(length);
  for (std::size_t i = 0; i <= max_passed_fds; ++i) many.rights(fds(1));
  ASSERT_TRUE(many.send(sender_.borrow()));
  EXPECT_EQ(receive().status, ReceiveStatus::malformed);
}

TEST_F(FdPassing, AMessageThatIsCutOffIsMalformedAndItsDescriptorsClosed) {
  for (std::size_t count = 0; count <= max_passed_fds; ++count) {
    RawMessage longer(length + 1);
    if (count > 0) longer.rights(fds(count));
    expect_malformed(std::move(longer));
  }
}

TEST_F(FdPassing, CredentialsBesideDescriptorsAreMalformed) {
  // Only who asks for them with SO_PASSCRED is given them; what asks is not what is under test.
  const int on = 1;
  ASSERT_EQ(::setsockopt(receiver_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  expect_malformed(RawMessage(length).credentials());
  expect_malformed(RawMessage(length).credentials().rights(fds(1)));
  expect_malformed(RawMessage(length).rights(fds(max_passed_fds)).credentials());
}

TEST_F(FdPassing, DescriptorsThatCannotBeInstalledAreTheReceiversOwnTrouble) {
  ASSERT_TRUE(RawMessage(length).rights(fds(2)).send(sender_.borrow()));
  ::rlimit old;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  // Room for one more: the kernel installs that, drops the other, and sets MSG_CTRUNC.
  const int next = ::dup(any_.get());
  ::close(next);
  const ::rlimit tight{static_cast<::rlim_t>(next) + 1, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const ReceivedBytes received = receive();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(received.status, ReceiveStatus::out_of_fds);
  EXPECT_EQ(received.fd_count, 0u);
}

TEST_F(FdPassing, AnEmptyMessageIsNoMessage) {
  ASSERT_EQ(::send(sender_.get(), "", 0, MSG_NOSIGNAL), 0);
  EXPECT_EQ(receive().status, ReceiveStatus::peer_gone);
  ASSERT_TRUE(RawMessage(0).rights(fds(1)).send(sender_.borrow()));
  EXPECT_EQ(receive().status, ReceiveStatus::malformed);
}

TEST_F(FdPassing, WhatWasSaidIsHeardAlthoughItsSenderHasLeftSomethingUnread) {
  const std::byte byte{7};
  ASSERT_EQ(send_with_fds(receiver_.borrow(), std::span(&byte, 1), {}), SendStatus::sent);
  ASSERT_TRUE(RawMessage(length).send(sender_.borrow()));
  sender_.reset();
  before_ = open_descriptors();
  std::array<std::byte, length> buffer;
  EXPECT_EQ(receive_with_fds(receiver_.borrow(), buffer).status, ReceiveStatus::message);
  EXPECT_EQ(receive_with_fds(receiver_.borrow(), buffer).status, ReceiveStatus::peer_gone);
}

TEST_F(FdPassing, SendingTooManyDescriptorsFailsAndSendsNothing) {
  const std::array<std::byte, length> bytes{};
  const std::vector<BorrowedFd> five(max_passed_fds + 1, any_.borrow());
  EXPECT_EQ(send_with_fds(sender_.borrow(), bytes, five), SendStatus::failed);
  EXPECT_EQ(receive().status, ReceiveStatus::would_block);
}

TEST_F(FdPassing, ADescriptorOutlivesItsSendersCopyWhileItIsQueued) {
  const UniqueFd kept(::dup(any_.get()));
  UniqueFd passed(::dup(any_.get()));
  const std::array<std::byte, length> bytes{};
  const BorrowedFd one = passed.borrow();
  ASSERT_EQ(send_with_fds(sender_.borrow(), bytes, std::span(&one, 1)), SendStatus::sent);
  passed.reset();
  const ReceivedBytes received = receive();
  ASSERT_EQ(received.fd_count, 1u);
  EXPECT_TRUE(same_file(received.fds[0].borrow(), kept.borrow()));
}

}  // namespace
}  // namespace perchild::test::fd_passing_test
