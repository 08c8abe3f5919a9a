#include "vhosts/http2/frame_walk.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::http2::frame_walk_test {
namespace {

std::string frame(FrameType type, std::uint8_t flags, std::size_t length) {
  std::string bytes(9, '\0');
  bytes[1] = static_cast<char>(length >> 8);
  bytes[2] = static_cast<char>(length);
  bytes[3] = static_cast<char>(type);
  bytes[4] = static_cast<char>(flags);
  return bytes.append(length, 'x');
}

const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct Seen {
  std::string text;
  bool is_in_head = false;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen seen_of(const std::string& bytes, std::size_t piece) {
  FrameWalk walk;
  Seen seen;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const bool all = walk.feed(std::string_view(bytes).substr(at, piece), [&](FrameHead head) {
      seen.text += std::to_string(static_cast<int>(head.type)) + ":" + std::to_string(head.flags) +
                   ":" + std::to_string(head.length) + " ";
      return true;
    });
    EXPECT_TRUE(all);
  }
  seen.is_in_head = walk.is_in_head();
  return seen;
}

TEST(FrameWalk, FindsEveryFrameHoweverTheBytesAreCut) {
  const std::string bytes = preface + frame(FrameType::settings, 0, 0) +
                            frame(FrameType::headers, FrameHead::end_headers, 20) +
                            frame(FrameType::data, FrameHead::end_stream, 700);
  for (const std::size_t piece : {1u, 2u, 7u, 9u, 1000u}) {
    EXPECT_EQ(seen_of(bytes, piece), (Seen{"4:0:0 1:4:20 0:1:700 ", false})) << piece;
  }
}

TEST(FrameWalk, KnowsWhetherAHeadIsHalfThere) {
  EXPECT_TRUE(FrameWalk().is_in_head());
  EXPECT_TRUE(seen_of(preface.substr(0, 23), 5).is_in_head);
  EXPECT_FALSE(seen_of(preface, 5).is_in_head);
  const std::string half_of_data = frame(FrameType::data, 0, 80).substr(0, 20);
  EXPECT_FALSE(seen_of(preface + half_of_data, 100).is_in_head);
  const std::string whole = frame(FrameType::headers, FrameHead::end_headers, 5);
  EXPECT_TRUE(seen_of(preface + whole.substr(0, 9), 100).is_in_head);
  EXPECT_TRUE(seen_of(preface + whole.substr(0, 13), 100).is_in_head);
  EXPECT_FALSE(seen_of(preface + whole, 100).is_in_head);
  const std::string block = preface + frame(FrameType::headers, 0, 3);
  EXPECT_TRUE(seen_of(block, 100).is_in_head);
  EXPECT_TRUE(seen_of(block + frame(FrameType::continuation, 0, 3), 100).is_in_head);
  EXPECT_FALSE(
      seen_of(block + frame(FrameType::continuation, FrameHead::end_headers, 3), 100).is_in_head);
}

TEST(FrameWalk, TellsTheStreamWithoutItsReservedBit) {
  FrameWalk walk;
  std::string bytes = preface + frame(FrameType::ping, 0, 8);
  bytes.replace(preface.size() + 5, 4, "\x81\x02\x03\xf4");
  std::int32_t stream = 0;
  EXPECT_TRUE(walk.feed(bytes, [&](FrameHead head) {
    stream = head.stream;
    return true;
  }));
  EXPECT_EQ(stream, 0x010203f4);
}

TEST(FrameWalk, StopsWhereItIsTold) {
  FrameWalk walk;
  int count = 0;
  const std::string bytes = preface + frame(FrameType::ping, 0, 8) + frame(FrameType::ping, 0, 8);
  EXPECT_FALSE(walk.feed(bytes, [&](FrameHead) { return ++count < 1; }));
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace perchild::http2::frame_walk_test
