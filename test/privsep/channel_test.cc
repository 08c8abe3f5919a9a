// One typed test over every message in every direction that it may go.
#include "privsep/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <random>
#include <vector>

#include "privsep/checker_messages.h"
#include "test/privsep/descriptors.h"
#include "test/privsep/message_samples.h"

namespace perchild::test {
namespace {

template <typename From_, typename To_, typename Message_>
struct Sent {
  using From = From_;
  using To = To_;
  using Message = Message_;
};

template <typename From, typename To, typename Variant = typename Direction<From, To>::Messages>
struct AllSent;
template <typename From, typename To, typename... All>
struct AllSent<From, To, std::variant<All...>> {
  using Types = ::testing::Types<Sent<From, To, All>...>;
};

template <typename... Lists>
struct Joined;
template <typename... A>
struct Joined<::testing::Types<A...>> {
  using Types = ::testing::Types<A...>;
};
template <typename... A, typename... B, typename... Rest>
struct Joined<::testing::Types<A...>, ::testing::Types<B...>, Rest...> {
  using Types = typename Joined<::testing::Types<A..., B...>, Rest...>::Types;
};

// Taken from the list itself, so that a new message cannot be forgotten here.
using EveryMessage =
    Joined<AllSent<Master, Router>::Types, AllSent<Router, Master>::Types,
           AllSent<Router, Worker>::Types, AllSent<Worker, Router>::Types,
           AllSent<Master, Worker>::Types, AllSent<Worker, Master>::Types,
           AllSent<Command, Master>::Types, AllSent<Master, Command>::Types,
           AllSent<LocalUser, Master>::Types, AllSent<Master, LocalUser>::Types,
           AllSent<Master, Checker>::Types, AllSent<Checker, Master>::Types,
           AllSent<Worker, Checker>::Types, AllSent<Checker, Worker>::Types>::Types;

constexpr std::uint32_t highest_type = static_cast<std::uint32_t>(MessageType::reload_done);

template <typename Way>
class EveryMessageTest : public ::testing::Test {
 protected:
  using Message = typename Way::Message;
  using Sender = Channel<typename Way::From, typename Way::To>;
  using Receiver = Channel<typename Way::To, typename Way::From>;
  using Status = typename Receiver::Status;

  void SetUp() override {
    auto pair = make_channel_pair();
    ASSERT_TRUE(pair);
    sender_.emplace(std::move(pair->first));
    receiver_.emplace(std::move(pair->second));
  }

  // What the receiver makes of these bytes with so many descriptors. None of them may stay open.
  Status receive(std::span<const std::byte> bytes, std::size_t fd_count) {
    const UniqueFd any = any_descriptor();
    const std::vector<BorrowedFd> fds(fd_count, any.borrow());
    const std::set<int> before = open_descriptors();
    EXPECT_EQ(send_with_fds(sender_->fd(), bytes, fds), SendStatus::sent);
    auto received = receiver_->receive();
    if (received.status != Status::message) {
      EXPECT_FALSE(received.message);
      EXPECT_FALSE(received.fd.has_value());
    }
    received.fd.reset();
    EXPECT_EQ(open_descriptors(), before);
    return received.status;
  }

  SendStatus send(const Message& message, BorrowedFd fd) {
    if constexpr (Message::fd_count == 1) {
      return sender_->send(message, fd);
    } else {
      static_cast<void>(fd);
      return sender_->send(message);
    }
  }

  std::optional<Sender> sender_;
  std::optional<Receiver> receiver_;
};

TYPED_TEST_SUITE(EveryMessageTest, EveryMessage);

TYPED_TEST(EveryMessageTest, ArrivesAsItWasSent) {
  using M = typename TypeParam::Message;
  const UniqueFd any = any_descriptor();
  for (const M& message : Samples<M>::valid()) {
    ASSERT_EQ(this->send(message, any.borrow()), SendStatus::sent);
    const auto received = this->receiver_->receive();
    ASSERT_EQ(received.status, TestFixture::Status::message);
    ASSERT_TRUE(std::holds_alternative<M>(*received.message));
    EXPECT_EQ(encode(std::get<M>(*received.message)), encode(message));
    ASSERT_EQ(received.fd.has_value(), M::fd_count == 1);
    if (M::fd_count == 1) {
      EXPECT_TRUE(same_file(received.fd.borrow(), any.borrow()));
    }
  }
}

TYPED_TEST(EveryMessageTest, EveryTruncationIsAViolation) {
  using M = typename TypeParam::Message;
  const auto whole = encode(Samples<M>::valid().front());
  for (std::size_t length = 1; length < whole.size(); ++length) {
    EXPECT_EQ(this->receive(std::span(whole).first(length), M::fd_count),
              TestFixture::Status::violation)
        << length << " of " << whole.size();
  }
}

TYPED_TEST(EveryMessageTest, EveryExtraByteIsAViolation) {
  using M = typename TypeParam::Message;
  const auto whole = encode(Samples<M>::valid().front());
  std::vector<std::byte> longer(whole.begin(), whole.end());
  for (int extra = 1; extra <= 64; ++extra) {
    longer.push_back(std::byte{0});
    EXPECT_EQ(this->receive(longer, M::fd_count), TestFixture::Status::violation) << extra;
  }
  ASSERT_EQ(this->receive(whole, M::fd_count), TestFixture::Status::message);
}

TYPED_TEST(EveryMessageTest, AnyOtherNumberOfDescriptorsIsAViolation) {
  using M = typename TypeParam::Message;
  const auto whole = encode(Samples<M>::valid().front());
  for (std::size_t count = 0; count <= max_passed_fds; ++count) {
    const auto expected =
        count == M::fd_count ? TestFixture::Status::message : TestFixture::Status::violation;
    EXPECT_EQ(this->receive(whole, count), expected) << count;
  }
}

TYPED_TEST(EveryMessageTest, EveryFieldOutOfItsBoundsIsAViolation) {
  using M = typename TypeParam::Message;
  ASSERT_FALSE(Samples<M>::invalid().empty());
  for (const M& message : Samples<M>::invalid()) {
    EXPECT_EQ(this->receive(encode(message), M::fd_count), TestFixture::Status::violation);
  }
}

template <typename... All>
bool goes_this_way(std::uint32_t type, const std::variant<All...>*) {
  return ((type == static_cast<std::uint32_t>(All::type)) || ...);
}

TYPED_TEST(EveryMessageTest, ATypeThatGoesAnotherWayIsAViolation) {
  using M = typename TypeParam::Message;
  using Permitted = typename Direction<typename TypeParam::From, typename TypeParam::To>::Messages;
  auto bytes = encode(Samples<M>::valid().front());
  std::vector<std::uint32_t> types{~0U, 0x8000'0000U, static_cast<std::uint32_t>(M::type) << 24};
  for (std::uint32_t type = 0; type <= highest_type + 3; ++type) types.push_back(type);
  for (const std::uint32_t type : types) {
    if (goes_this_way(type, static_cast<const Permitted*>(nullptr))) continue;
    std::memcpy(bytes.data(), &type, sizeof type);
    for (const std::size_t fds : {std::size_t{0}, std::size_t{1}}) {
      EXPECT_EQ(this->receive(bytes, fds), TestFixture::Status::violation) << type;
    }
  }
}

TYPED_TEST(EveryMessageTest, RandomBytesAreAViolationOrOneValidMessage) {
  using M = typename TypeParam::Message;
  using Permitted = typename Direction<typename TypeParam::From, typename TypeParam::To>::Messages;
  std::mt19937 random(20'260);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<std::size_t> length(1, 2 * sizeof(M) + 8);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes(length(random));
    for (std::byte& b : bytes) b = static_cast<std::byte>(byte(random));
    // Half of them get past the first check.
    const auto type = static_cast<std::uint32_t>(M::type);
    if (round % 2 == 0 && bytes.size() >= sizeof type) {
      bytes.resize(sizeof type + sizeof(M));
      std::memcpy(bytes.data(), &type, sizeof type);
    }
    const auto message = Decoder<Permitted>::decode(bytes, M::fd_count);
    if (!message) continue;
    const bool valid = std::visit([](const auto& m) { return m.valid(); }, *message);
    const bool same = std::visit(
        [&](const auto& m) {
          const auto again = encode(m);
          return std::equal(again.begin(), again.end(), bytes.begin(), bytes.end());
        },
        *message);
    ASSERT_TRUE(valid && same);
  }
}

TYPED_TEST(EveryMessageTest, AnEmptyMessageReadsAsTheEndOfItsSender) {
  EXPECT_EQ(this->receive({}, 0), TestFixture::Status::peer_gone);
  EXPECT_EQ(this->receive({}, 1), TestFixture::Status::violation);
}

TYPED_TEST(EveryMessageTest, AClosedPeerIsGoneForSenderAndReceiver) {
  using M = typename TypeParam::Message;
  const UniqueFd any = any_descriptor();
  EXPECT_EQ(this->receiver_->receive().status, TestFixture::Status::would_block);
  this->sender_.reset();
  EXPECT_EQ(this->receiver_->receive().status, TestFixture::Status::peer_gone);
  this->SetUp();
  this->receiver_.reset();
  EXPECT_EQ(this->send(Samples<M>::valid().front(), any.borrow()), SendStatus::peer_gone);
}

TYPED_TEST(EveryMessageTest, AFullChannelSaysSoAndLosesNothing) {
  using M = typename TypeParam::Message;
  const UniqueFd any = any_descriptor();
  const M message = Samples<M>::valid().back();
  int sent = 0;
  SendStatus status;
  while ((status = this->send(message, any.borrow())) == SendStatus::sent && sent < 10'000) ++sent;
  EXPECT_EQ(status, SendStatus::would_block);
  for (int i = 0; i < sent; ++i) {
    ASSERT_EQ(this->receiver_->receive().status, TestFixture::Status::message) << i;
  }
  EXPECT_EQ(this->receiver_->receive().status, TestFixture::Status::would_block);
}

// What may not be sent does not compile.
template <typename From, typename To, typename M>
concept CanSend = requires(Channel<From, To>& channel, const M& message) {
  channel.send(message);
}
|| requires(Channel<From, To>& channel, const M& message, BorrowedFd fd) {
  channel.send(message, fd);
};
static_assert(CanSend<Router, Master, Wake> && CanSend<Router, Worker, HandOver>);
static_assert(!CanSend<Worker, Master, Wake> && !CanSend<Master, Router, Wake>);
static_assert(!CanSend<Worker, Router, HandOver> && !CanSend<Router, Worker, Credit>);
static_assert(!CanSend<Worker, Master, WorkerViolation> && !CanSend<Router, Worker, Drain>);
static_assert(CanSend<LocalUser, Master, FindSite> && !CanSend<LocalUser, Master, SiteStatus>);

}  // namespace
}  // namespace perchild::test
