#include "vhosts/pages/utf8.h"

#include <gtest/gtest.h>

namespace perchild::pages::utf8_test {
namespace {

TEST(Utf8, CharactersAreMeasuredAtTheBoundsOfEachLength) {
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("\x7f!"), 1U);
  EXPECT_EQ(utf8_length("\xc2\x80!"), 2U);
  EXPECT_EQ(utf8_length("\xdf\xbf"), 2U);
  EXPECT_EQ(utf8_length("\xe0\xa0\x80"), 3U);
  EXPECT_EQ(utf8_length("\xed\x9f\xbf"), 3U);
  EXPECT_EQ(utf8_length("\xee\x80\x80"), 3U);
  EXPECT_EQ(utf8_length("\xf0\x90\x80\x80"), 4U);
  EXPECT_EQ(utf8_length("\xf4\x8f\xbf\xbf"), 4U);
}

TEST(Utf8, WhatIsNoCharacterHasNoLength) {
  for (const std::string_view text :
       {"", "\x80", "\xbf", "\xc1\xbf", "\xc2", "\xc2!", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xff"}) {
    EXPECT_EQ(utf8_length(text), 0U) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace perchild::pages::utf8_test
