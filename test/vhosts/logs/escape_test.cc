#include "vhosts/logs/escape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace perchild::logs::escape_test {
namespace {

std::string escaped(std::string_view text, std::size_t longest = 1000) {
  std::array<char, 2000> memory;
  Line line(memory);
  line.append_escaped(text, longest);
  return std::string(line.view());
}

TEST(EscapeTest, EveryByteIsEitherPlainOrHex) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool plain = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
    std::array<char, 8> hex;
    std::snprintf(hex.data(), hex.size(), "\\x%02X", static_cast<unsigned>(byte));
    EXPECT_EQ(escaped({&c, 1}), plain ? std::string(1, c) : std::string(hex.data())) << byte;
  }
}

TEST(EscapeTest, ByteIsFoundWhereverItStands) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string alone = escaped(std::string(1, static_cast<char>(byte)), 100);
    for (std::size_t before = 0; before < 18; ++before) {
      const std::string front(before, 'x'), back(17 - before, 'y');
      EXPECT_EQ(escaped(front + static_cast<char>(byte) + back, 100), front + alone + back) << byte;
    }
  }
}

TEST(EscapeTest, NothingThatATerminalObeysGetsThrough) {
  constexpr struct {
    std::string_view text;
    std::string_view shown;
  } cases[] = {
      {"/plain?a=b&c=%20", "/plain?a=b&c=%20"},
      {"a\" 200 1 \"-\" \"-\nforged", "a\\x22 200 1 \\x22-\\x22 \\x22-\\x0Aforged"},
      {"\x1b]0;title\x07", "\\x1B]0;title\\x07"},
      {"\xc2\x9b"
       "31m",
       "\\xC2\\x9B31m"},  // CSI as UTF-8
      {"\x9b"
       "31m",
       "\\x9B31m"},  // CSI as a byte
      {"\xe2\x80\xae"
       "abc",
       "\\xE2\\x80\\xAEabc"},  // right-to-left override
      {"caf\xc3\xa9", "caf\\xC3\\xA9"},
      {"\\x0A", "\\x5Cx0A"},
      {"\\...", "\\x5C..."},
      {"tab\there", "tab\\x09here"},
  };
  for (const auto& each : cases) EXPECT_EQ(escaped(each.text), each.shown);
}

TEST(EscapeTest, TextOfExactlyTheLimitIsNotCut) {
  EXPECT_EQ(escaped("12345678", 8), "12345678");
  EXPECT_EQ(escaped("1234\n", 8), "1234\\x0A");
  EXPECT_EQ(escaped("", 0), "");
}

TEST(EscapeTest, LongerTextIsCutBetweenTwoBytesAndMarked) {
  EXPECT_EQ(escaped("123456789", 8), "1234\\...");
  EXPECT_EQ(escaped("12345\n", 8), "1234\\...");
  EXPECT_EQ(escaped("12\n456789", 8), "12\\...");
  EXPECT_EQ(escaped("\n\n\n", 8), "\\x0A\\...");
  EXPECT_EQ(escaped("\n\n", 8), "\\x0A\\x0A");
  EXPECT_EQ(escaped("123456789", 3), "");
  EXPECT_EQ(escaped("123456789", 4), "\\...");
}

TEST(EscapeTest, LimitHoldsForEveryLengthAndMixture) {
  const std::string text =
      "ab\ncd\"\xff"
      "efgh\\ijkl";
  const std::string whole = escaped(text);
  for (std::size_t limit = 0; limit <= whole.size() + 1; ++limit) {
    const std::string cut = escaped(text, limit);
    EXPECT_LE(cut.size(), limit);
    if (limit >= whole.size()) {
      EXPECT_EQ(cut, whole);
    } else if (limit >= cut_mark.size()) {
      EXPECT_TRUE(cut.ends_with(cut_mark)) << limit;
      EXPECT_TRUE(whole.starts_with(cut.substr(0, cut.size() - cut_mark.size()))) << limit;
    }
  }
}

TEST(LineTest, NothingIsWrittenPastTheEnd) {
  for (std::size_t room = 0; room < 40; ++room) {
    std::array<char, 64> memory;
    memory.fill('#');
    Line line(std::span<char>(memory.data(), room));
    line.append("text ");
    line.append('c');
    line.append_number(1234567890123);
    line.append_escaped("a\nb\nc\nd\n", 1000);
    EXPECT_LE(line.size(), room);
    EXPECT_TRUE(std::all_of(memory.begin() + static_cast<std::ptrdiff_t>(room), memory.end(),
                            [](char c) { return c == '#'; }));
  }
}

TEST(LineTest, NumbersAreDecimal) {
  std::array<char, 64> memory;
  Line line(memory);
  line.append_number(0);
  line.append(' ');
  line.append_number(~std::uint64_t{0});
  EXPECT_EQ(line.view(), "0 18446744073709551615");
}

}  // namespace
}  // namespace perchild::logs::escape_test
