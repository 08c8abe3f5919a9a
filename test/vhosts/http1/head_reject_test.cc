#include <gtest/gtest.h>

#include <set>
#include <string>

#include "test/vhosts/http1/head_cases.h"
#include "test/vhosts/http1/head_outcome.h"

namespace perchild::http1::head_reject_test {
namespace {

constexpr auto last_reject = static_cast<int>(Reject::version_unsupported);

TEST(HeadRejects, EveryCaseIsRefusedWithItsReasonAndStatus) {
  for (const RejectCase& c : reject_cases()) {
    const HeadOutcome outcome = parse_whole(c.bytes);
    ASSERT_EQ(outcome.state, HeadParser::State::rejected) << c.name << '\n' << c.bytes;
    EXPECT_EQ(text_of(*outcome.reason), text_of(c.reason)) << c.name << '\n' << c.bytes;
    EXPECT_EQ(status_of(*outcome.reason), c.status) << c.name;
  }
}

TEST(HeadRejects, EveryReasonHasASentenceOfItsOwnAndAStatus) {
  std::set<std::string_view> sentences;
  for (int i = 0; i <= last_reject; ++i) {
    const auto reason = static_cast<Reject>(i);
    EXPECT_FALSE(text_of(reason).empty()) << i;
    EXPECT_TRUE(sentences.insert(text_of(reason)).second) << text_of(reason);
    EXPECT_GE(status_of(reason), 400);
    EXPECT_LE(status_of(reason), 505);
  }
}

TEST(HeadRejects, EveryReasonButTheLimitsIsInTheTable) {
  std::set<Reject> missing;
  for (int i = 0; i <= last_reject; ++i) missing.insert(static_cast<Reject>(i));
  for (const RejectCase& c : reject_cases()) missing.erase(c.reason);
  EXPECT_EQ(missing,
            (std::set{Reject::target_too_long, Reject::head_too_large, Reject::too_many_fields}));
}

TEST(HeadRejects, BinaryIsRefusedAtItsFirstByte) {
  for (const char c : {'\x16', '\0', '\x80', '\xff', ' ', '\t', '\n', '{', '<', '"', ':', '/'}) {
    HeadParser parser;
    EXPECT_EQ(parser.parse(std::string_view(&c, 1)), HeadParser::State::rejected)
        << static_cast<int>(c);
  }
}

TEST(HeadRejects, WhatIsKnownOfARefusedHeadIsThereForTheLog) {
  const std::string bytes =
      "GET /a?b HTTP/1.1\r\nUser-Agent: u/1\r\nHost: a.example\r\nContent-Length: x\r\n\r\n";
  HeadParser parser;
  ASSERT_EQ(parser.parse(bytes), HeadParser::State::rejected);
  const RequestHead head = parser.head(bytes);
  EXPECT_EQ(head.method, Method::get);
  EXPECT_EQ(head.target, "/a?b");
  EXPECT_EQ(head.user_agent, "u/1");
  EXPECT_FALSE(head.host.has_value());
}

TEST(HeadRejects, ARefusedHeadStaysRefused) {
  std::string bytes = "GET / HTTP/2.0\r\n";
  HeadParser parser;
  ASSERT_EQ(parser.parse(bytes), HeadParser::State::rejected);
  bytes += "Host: a.example\r\n\r\n";
  EXPECT_EQ(parser.parse(bytes), HeadParser::State::rejected);
  EXPECT_EQ(parser.reason(), Reject::version_unsupported);
}

}  // namespace
}  // namespace perchild::http1::head_reject_test
