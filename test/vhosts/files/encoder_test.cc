#include "vhosts/files/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "test/vhosts/files/decoded.h"

namespace perchild::files::encoder_test {
namespace {

std::string page_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) {
    text += "<p>paragraph " + std::to_string(i * 7919) + "</p>\n";
  }
  text.resize(size);
  return text;
}

std::string noise_of(std::size_t size) {
  std::mt19937_64 random(17);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string decoded(ContentCoding coding, std::string_view bytes) {
  return coding == ContentCoding::gzip ? test::gunzip(bytes) : test::unbrotli(bytes);
}

std::string decoded_so_far(ContentCoding coding, std::string_view bytes) {
  return coding == ContentCoding::gzip ? test::gunzip_so_far(bytes) : test::unbrotli_so_far(bytes);
}

// Encodes with pieces of the input and room in the output of the given sizes.
std::string encoded(ContentCoding coding, std::string_view body, std::size_t piece,
                    std::size_t room) {
  const auto encoder = Encoder::make(coding, {}, body.size());
  std::string result;
  std::vector<char> output(room);
  for (;;) {
    const std::string_view input = body.substr(0, piece);
    const Encoder::Step step = encoder->next(input, input.size() == body.size(), output);
    EXPECT_FALSE(step.failed);
    body.remove_prefix(step.consumed);
    result.append(output.data(), step.produced);
    if (step.done || step.failed) return result;
  }
}

class EncoderTest : public ::testing::TestWithParam<ContentCoding> {};

TEST_P(EncoderTest, EncodesBodiesOfAllSizesHoweverTheyArrive) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000},
                                 std::size_t{40'000}, std::size_t{1'000'000}}) {
    const std::string body = page_of(size);
    for (const auto& [piece, room] : {std::pair<std::size_t, std::size_t>{32 * 1024, 16 * 1024},
                                      {1000, 100},
                                      {size + 1, 2 * size + 100}}) {
      EXPECT_TRUE(decoded(GetParam(), encoded(GetParam(), body, piece, room)) == body)
          << size << " by " << piece << " into " << room;
    }
  }
}

TEST_P(EncoderTest, ByteByByteIsTheSameBody) {
  const std::string body = page_of(3000);
  EXPECT_EQ(decoded(GetParam(), encoded(GetParam(), body, 1, 1)), body);
}

TEST_P(EncoderTest, WhatHasBeenFlushedCanBeRead) {
  const std::string first = page_of(50'000);
  const std::string second = noise_of(50'000);
  const auto encoder = Encoder::make(GetParam(), {}, first.size() + second.size());
  std::string result;
  std::array<char, 100> output;
  const auto give = [&](std::string_view input) {
    while (!input.empty()) {
      const Encoder::Step step = encoder->next(input, false, output);
      ASSERT_FALSE(step.failed);
      input.remove_prefix(step.consumed);
      result.append(output.data(), step.produced);
    }
    for (bool done = false; !done;) {
      const Encoder::Step step = encoder->flush(output);
      ASSERT_FALSE(step.failed);
      result.append(output.data(), step.produced);
      done = step.done;
    }
  };
  give(first);
  EXPECT_TRUE(decoded_so_far(GetParam(), result) == first);
  give(second);
  EXPECT_TRUE(decoded_so_far(GetParam(), result) == first + second);
  for (bool done = false; !done;) {
    const Encoder::Step step = encoder->next({}, true, output);
    ASSERT_FALSE(step.failed);
    result.append(output.data(), step.produced);
    done = step.done;
  }
  EXPECT_TRUE(decoded(GetParam(), result) == first + second);
}

TEST_P(EncoderTest, MakesTextSmaller) {
  const std::string body = page_of(60'000);
  std::vector<char> output(body.size());
  const std::size_t size = encode_whole(GetParam(), {}, body, output);
  EXPECT_GT(size, 0u);
  EXPECT_LT(size, body.size() / 3);
  EXPECT_TRUE(decoded(GetParam(), {output.data(), size}) == body);
}

TEST_P(EncoderTest, WhatDoesNotGetSmallerDoesNotFit) {
  const std::string body = noise_of(5000);
  std::vector<char> output(body.size() - 1);
  EXPECT_EQ(encode_whole(GetParam(), {}, body, output), 0u);
}

INSTANTIATE_TEST_SUITE_P(Codings, EncoderTest,
                         ::testing::Values(ContentCoding::gzip, ContentCoding::br));

TEST(Encoder, ThereIsNoneForZstd) {
  EXPECT_EQ(Encoder::make(ContentCoding::zstd, {}, 1000), nullptr);
}

TEST(EncoderPool, NoMoreThanItsBoundAreInUse) {
  EncoderPool pool;
  std::vector<EncoderPool::Lease> leases;
  for (std::uint32_t i = 0; i < EncoderPool::most; ++i) {
    leases.push_back(pool.take(ContentCoding::gzip, {}, 100));
    EXPECT_NE(leases.back(), nullptr);
  }
  EXPECT_EQ(pool.take(ContentCoding::gzip, {}, 100), nullptr);
  leases.pop_back();
  EXPECT_NE(pool.take(ContentCoding::gzip, {}, 100), nullptr);
  leases.clear();
  EXPECT_EQ(pool.in_use(), 0u);
}

}  // namespace
}  // namespace perchild::files::encoder_test
