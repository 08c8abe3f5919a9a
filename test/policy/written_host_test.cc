#include "policy/written_host.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::written_host_test {
namespace {

// In ASCII, with its "*."; "" for none.
std::string ascii(std::string_view text) {
  const auto host = parse_written_host(text).host;
  return host ? (host->wildcard ? "*." : "") + std::string(host->name.view()) : std::string();
}

TEST(WrittenHost, AsciiIsTakenAsItIs) {
  EXPECT_EQ(ascii("WWW.Alice.Example."), "www.alice.example");
  EXPECT_EQ(ascii("*.bob.example"), "*.bob.example");
  EXPECT_EQ(ascii("[::1]"), "[::1]");
  EXPECT_EQ(ascii("xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(ascii("under_score.example"), "under_score.example");
}

TEST(WrittenHost, UnicodeBecomesWhatBrowsersAskFor) {
  EXPECT_EQ(ascii("bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(ascii("BÜCHER.Example"), "xn--bcher-kva.example");
  EXPECT_EQ(ascii("bücher.example."), "xn--bcher-kva.example");
  EXPECT_EQ(ascii("*.bücher.example"), "*.xn--bcher-kva.example");
  EXPECT_EQ(ascii("例え.テスト"), "xn--r8jz45g.xn--zckzah");
}

TEST(WrittenHost, DecomposedLettersAreTheSameAsComposedOnes) {
  EXPECT_EQ(ascii("bu\u0308cher.example"), ascii("b\u00fccher.example"));
}

TEST(WrittenHost, SharpSAndFinalSigmaStayWhatTheyAre) {
  EXPECT_EQ(ascii("straße.example"), "xn--strae-oqa.example");
  EXPECT_NE(ascii("straße.example"), ascii("strasse.example"));
  EXPECT_NE(ascii("βόλος.example"), ascii("βόλοσ.example"));
}

TEST(WrittenHost, OtherDotsAndWidthsAreMapped) {
  EXPECT_EQ(ascii("bücher。example"), "xn--bcher-kva.example");
  EXPECT_EQ(ascii("ｂücher．example"), "xn--bcher-kva.example");
}

TEST(WrittenHost, WhatIsNoNameIsNone) {
  for (const std::string text :
       {"ü ü.example", "bücher.example:80", "bücher..example", "-ü.example", "*.*.ü", "*ü.example",
        "☃.example", "\u0308a.example", "a\u200d.example", "\xff.example", "½.example/ü",
        "\u2100.example"}) {
    EXPECT_EQ(ascii(text), "") << text;
  }
  EXPECT_EQ(ascii(std::string("ü\0.example", 10)), "");
  EXPECT_EQ(ascii(std::string(60, 'a') + "ü.example"), "");
}

TEST(WrittenHost, ARefusalHasItsReason) {
  EXPECT_EQ(parse_written_host("☃.example").problem, "string contains a disallowed character");
  EXPECT_EQ(parse_written_host("a b").problem, "");
}

TEST(WrittenHost, IsToldInBothForms) {
  const auto bucher = parse_written_host("*.bücher.example").host;
  ASSERT_TRUE(bucher);
  EXPECT_EQ(told_host("*.bücher.example", *bucher),
            "\"*.bücher.example\" (*.xn--bcher-kva.example)");
  EXPECT_EQ(told_host("A.example", HostPattern::parse("A.example").value()), "\"A.example\"");
}

}  // namespace
}  // namespace perchild::written_host_test
