#include "policy/host_name.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::test::host_name_test {
namespace {

TEST(HostName, IsKeptInTheFormInWhichNamesAreCompared) {
  EXPECT_EQ(HostName::parse("WWW.Alice.Example.")->view(), "www.alice.example");
  EXPECT_EQ(HostName::parse("a_b-c.example")->view(), "a_b-c.example");
  EXPECT_EQ(HostName::parse("127.0.0.1")->view(), "127.0.0.1");
  EXPECT_EQ(HostName::parse("[2001:DB8::1]")->view(), "[2001:db8::1]");
  EXPECT_EQ(*HostName::parse("A"), *HostName::parse("a."));
  EXPECT_TRUE(HostName::is_valid("WWW.Alice.Example."));
  EXPECT_TRUE(HostName::is_valid("[2001:DB8::1]"));
}

TEST(HostName, WhatIsNoNameIsRefused) {
  for (const char* text : {"",     ".",    "..",  "a..b",     ".a",    "a.b..",       "-a",    "a-",
                           "a-.b", "a.-b", "a b", "a:80",     "a/b",   "*.a",         "a\x80", "[",
                           "[]",   "[::1", "::1", "[::1]:80", "[::g]", "[127.0.0.1]", "a%2eb"}) {
    EXPECT_FALSE(HostName::parse(text)) << text;
    EXPECT_FALSE(HostName::is_valid(text)) << text;
  }
  EXPECT_FALSE(HostName::parse(std::string("a\0b", 3)));
}

TEST(HostName, LengthsAreThoseOfDns) {
  const std::string label(63, 'a');
  EXPECT_TRUE(HostName::parse(label));
  EXPECT_FALSE(HostName::parse(label + "a"));
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  ASSERT_EQ(longest.size(), HostName::max_length);
  EXPECT_TRUE(HostName::parse(longest));
  EXPECT_TRUE(HostName::parse(longest + "."));
  EXPECT_FALSE(HostName::parse(longest + "b"));
}

TEST(HostPattern, AWildcardCoversWhatIsBelowItsName) {
  const auto pattern = HostPattern::parse("*.Bob.example");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->wildcard);
  EXPECT_TRUE(pattern->matches(*HostName::parse("a.bob.example")));
  EXPECT_TRUE(pattern->matches(*HostName::parse("a.b.bob.example")));
  EXPECT_FALSE(pattern->matches(*HostName::parse("bob.example")));
  EXPECT_FALSE(pattern->matches(*HostName::parse("abob.example")));
  EXPECT_FALSE(pattern->matches(*HostName::parse("bob.example.org")));
}

TEST(HostPattern, ANameCoversItselfOnly) {
  const auto pattern = HostPattern::parse("bob.example");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches(*HostName::parse("BOB.example.")));
  EXPECT_FALSE(pattern->matches(*HostName::parse("a.bob.example")));
}

TEST(HostPattern, AStarStandsForWholeLabelsInFrontOnly) {
  for (const char* text : {"*", "*.", "*a.b", "a.*.b", "*.*.b", "*.[::1]"}) {
    EXPECT_FALSE(HostPattern::parse(text)) << text;
  }
}

}  // namespace
}  // namespace perchild::test::host_name_test
