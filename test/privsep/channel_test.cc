// One test over every message in every direction that it may go.
#include "privsep/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <random>
#include <vector>

#include "privsep/keeper_messages.h"
#include "privsep/runner_messages.h"
#include "test/privsep/descriptors.h"
#include "test/privsep/keeper_message_samples.h"
#include "test/privsep/message_ways.h"
#include "test/privsep/runner_message_samples.h"

namespace perchild::test::channel_test {
namespace {

std::vector<Way> every_way() {
  std::vector<Way> ways;
  add_both_directions<Master, Router>(ways);
  add_both_directions<Router, Worker>(ways);
  add_both_directions<Master, Worker>(ways);
  add_both_directions<Master, Keeper>(ways);
  add_both_directions<Worker, Keeper>(ways);
  add_both_directions<Command, Master>(ways);
  add_both_directions<LocalUser, Master>(ways);
  add_both_directions<Master, Checker>(ways);
  add_both_directions<Worker, Checker>(ways);
  add_both_directions<Master, Runner>(ways);
  add_both_directions<Worker, Runner>(ways);
  return ways;
}

constexpr std::uint32_t highest_type = static_cast<std::uint32_t>(MessageType::reload_done);

class EveryMessage : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    auto pair = make_channel_pair();
    ASSERT_TRUE(pair);
    ends_ = way_.open(std::move(pair->first), std::move(pair->second));
  }

  // What the receiver makes of these bytes with so many descriptors. None of them may stay open.
  Outcome receive(std::span<const std::byte> bytes, std::size_t fd_count) {
    const UniqueFd any = any_descriptor();
    const std::vector<BorrowedFd> fds(fd_count, any.borrow());
    const std::set<int> before = open_descriptors();
    EXPECT_EQ(send_with_fds(ends_->sender(), bytes, fds), SendStatus::sent);
    Receipt receipt = ends_->receive();
    if (receipt.outcome != Outcome::message) {
      EXPECT_FALSE(receipt.message);
      EXPECT_FALSE(receipt.fd.has_value());
    }
    receipt.fd.reset();
    EXPECT_EQ(open_descriptors(), before);
    return receipt.outcome;
  }

  const Way& way_ = GetParam();
  std::unique_ptr<Ends> ends_;
};

INSTANTIATE_TEST_SUITE_P(InEveryDirection, EveryMessage, ::testing::ValuesIn(every_way()));

TEST_P(EveryMessage, ArrivesAsItWasSent) {
  const UniqueFd any = any_descriptor();
  const std::vector<BorrowedFd> fds(way_.fd_count, any.borrow());
  for (const Bytes& sample : way_.valid_samples) {
    ASSERT_EQ(send_with_fds(ends_->sender(), sample, fds), SendStatus::sent);
    const Receipt receipt = ends_->receive();
    ASSERT_EQ(receipt.outcome, Outcome::message);
    EXPECT_EQ(receipt.message, sample);
    ASSERT_EQ(receipt.fd.has_value(), way_.fd_count == 1);
    if (way_.fd_count == 1) {
      EXPECT_TRUE(same_file(receipt.fd.borrow(), any.borrow()));
    }
  }
}

TEST_P(EveryMessage, IsSentAsItsBytes) {
  const UniqueFd any = any_descriptor();
  ASSERT_EQ(way_.send_last_sample(*ends_, any.borrow()), SendStatus::sent);
  EXPECT_EQ(ends_->receive().message, way_.valid_samples.back());
}

TEST_P(EveryMessage, EveryTruncationIsAViolation) {
  const std::span<const std::byte> whole = way_.valid_samples.front();
  for (std::size_t length = 1; length < whole.size(); ++length) {
    EXPECT_EQ(receive(whole.first(length), way_.fd_count), Outcome::violation)
        << length << " of " << whole.size();
  }
}

TEST_P(EveryMessage, EveryExtraByteIsAViolation) {
  Bytes longer = way_.valid_samples.front();
  for (int extra = 1; extra <= 64; ++extra) {
    longer.push_back(std::byte{0});
    EXPECT_EQ(receive(longer, way_.fd_count), Outcome::violation) << extra;
  }
  ASSERT_EQ(receive(way_.valid_samples.front(), way_.fd_count), Outcome::message);
}

TEST_P(EveryMessage, AnyOtherNumberOfDescriptorsIsAViolation) {
  for (std::size_t count = 0; count <= max_passed_fds; ++count) {
    const Outcome expected = count == way_.fd_count ? Outcome::message : Outcome::violation;
    EXPECT_EQ(receive(way_.valid_samples.front(), count), expected) << count;
  }
}

TEST_P(EveryMessage, EveryFieldOutOfItsBoundsIsAViolation) {
  ASSERT_FALSE(way_.invalid_samples.empty());
  for (const Bytes& sample : way_.invalid_samples) {
    EXPECT_EQ(receive(sample, way_.fd_count), Outcome::violation);
  }
}

TEST_P(EveryMessage, ATypeThatGoesAnotherWayIsAViolation) {
  Bytes bytes = way_.valid_samples.front();
  std::vector<std::uint32_t> types{~0U, 0x8000'0000U, way_.type << 24};
  for (std::uint32_t type = 0; type <= highest_type + 3; ++type) types.push_back(type);
  for (const std::uint32_t type : types) {
    if (way_.permitted.contains(type)) continue;
    std::memcpy(bytes.data(), &type, sizeof type);
    for (const std::size_t fds : {std::size_t{0}, std::size_t{1}}) {
      EXPECT_EQ(receive(bytes, fds), Outcome::violation) << type;
    }
  }
}

TEST_P(EveryMessage, RandomBytesAreAViolationOrOneValidMessage) {
  const std::size_t size = way_.valid_samples.front().size() - sizeof way_.type;
  std::mt19937 random(20'260);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<std::size_t> length(1, 2 * size + 8);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(length(random));
    for (std::byte& b : bytes) b = static_cast<std::byte>(byte(random));
    // Half of them get past the first check.
    if (round % 2 == 0 && bytes.size() >= sizeof way_.type) {
      bytes.resize(sizeof way_.type + size);
      std::memcpy(bytes.data(), &way_.type, sizeof way_.type);
    }
    const std::optional<Decoded> decoded = way_.decode(bytes, way_.fd_count);
    if (!decoded) continue;
    ASSERT_TRUE(decoded->valid && decoded->encoded_again == bytes);
  }
}

TEST_P(EveryMessage, AnEmptyMessageReadsAsTheEndOfItsSender) {
  EXPECT_EQ(receive({}, 0), Outcome::peer_gone);
  EXPECT_EQ(receive({}, 1), Outcome::violation);
}

TEST_P(EveryMessage, AClosedPeerIsGoneForSenderAndReceiver) {
  const UniqueFd any = any_descriptor();
  EXPECT_EQ(ends_->receive().outcome, Outcome::would_block);
  ends_->close_sender();
  EXPECT_EQ(ends_->receive().outcome, Outcome::peer_gone);
  SetUp();
  ends_->close_receiver();
  EXPECT_EQ(way_.send_last_sample(*ends_, any.borrow()), SendStatus::peer_gone);
}

TEST_P(EveryMessage, AFullChannelSaysSoAndLosesNothing) {
  const UniqueFd any = any_descriptor();
  int sent = 0;
  SendStatus status;
  while ((status = way_.send_last_sample(*ends_, any.borrow())) == SendStatus::sent &&
         sent < 10'000) {
    ++sent;
  }
  EXPECT_EQ(status, SendStatus::would_block);
  for (int i = 0; i < sent; ++i) {
    ASSERT_EQ(ends_->receive().outcome, Outcome::message) << i;
  }
  EXPECT_EQ(ends_->receive().outcome, Outcome::would_block);
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
}  // namespace perchild::test::channel_test
