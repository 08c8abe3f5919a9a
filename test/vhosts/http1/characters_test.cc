#include "vhosts/http1/characters.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::http1::characters_test {
namespace {

TEST(FindControl, FindsEachControlCharacterAtEachPlaceAndNothingElse) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    for (std::size_t at = 0; at < 45; ++at) {
      std::string bytes(45, '\x80');
      bytes[at] = c;
      const bool control = byte < 0x20 || byte == 0x7f;
      ASSERT_EQ(find_control(bytes, 0), control ? at : bytes.size()) << byte << " at " << at;
      ASSERT_EQ(find_control(bytes, at), control ? at : bytes.size()) << byte << " at " << at;
      ASSERT_EQ(find_control(bytes, at + 1), bytes.size()) << byte << " at " << at;
    }
  }
}

TEST(FindControl, FindsTheFirstOfSeveral) {
  for (std::size_t first = 0; first < 16; ++first) {
    for (std::size_t second = first; second < 16; ++second) {
      std::string bytes(16, 'a');
      bytes[second] = '\x7f';
      bytes[first] = '\0';
      ASSERT_EQ(find_control(bytes, 0), first);
    }
  }
}

TEST(Characters, TokensAreThoseOfRfc9110) {
  const std::string punctuation = "!#$%&'*+-.^_`|~";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool alphanumeric = is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
    EXPECT_EQ(is_char_of(c, token_char), alphanumeric || punctuation.find(c) != std::string::npos)
        << byte;
  }
}

TEST(Characters, WhatAPathHoldsAQueryHoldsToo) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (!is_char_of(c, path_char)) continue;
    EXPECT_TRUE(is_char_of(c, query_char)) << byte;
  }
}

}  // namespace
}  // namespace perchild::http1::characters_test
