#include <gtest/gtest.h>

#include <string>

#include "test/vhosts/http1/head_outcome.h"

namespace perchild::http1::head_limits_test {
namespace {

void expect_both_ways(const std::string& bytes, HeadParser::State state) {
  const HeadOutcome whole = parse_whole(bytes);
  EXPECT_EQ(whole.state, state);
  EXPECT_EQ(whole, parse_by_byte(bytes));
}

void expect_refused(const std::string& bytes, Reject reason, int status) {
  expect_both_ways(bytes, HeadParser::State::rejected);
  const HeadOutcome outcome = parse_whole(bytes);
  ASSERT_TRUE(outcome.reason.has_value());
  EXPECT_EQ(*outcome.reason, reason) << text_of(*outcome.reason);
  EXPECT_EQ(status_of(*outcome.reason), status);
}

// A valid head of exactly `size` bytes.
std::string head_of_size(std::size_t size) {
  const std::string begin = "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: ";
  const std::string end = "\r\n\r\n";
  return begin + std::string(size - begin.size() - end.size(), 'c') + end;
}

std::string head_with_fields(std::size_t fields) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a.example\r\n";
  for (std::size_t i = 1; i < fields; ++i) bytes += "A: b\r\n";
  return bytes + "\r\n";
}

std::string head_with_target(std::size_t size, char filler = 'a') {
  return "GET /" + std::string(size - 1, filler) + " HTTP/1.1\r\nHost: a.example\r\n\r\n";
}

TEST(HeadLimits, AHeadOfTheGreatestSizeIsAccepted) {
  expect_both_ways(head_of_size(max_head_bytes), HeadParser::State::complete);
}

TEST(HeadLimits, AHeadOneByteLargerIsAnswered431) {
  expect_refused(head_of_size(max_head_bytes + 1), Reject::head_too_large, 431);
}

TEST(HeadLimits, AHeadWithoutEndIsAnswered431BeforeItsEndComes) {
  std::string bytes = head_of_size(max_head_bytes + 100);
  bytes.resize(max_head_bytes - 1);
  expect_both_ways(bytes, HeadParser::State::incomplete);
  bytes += 'c';
  expect_refused(bytes, Reject::head_too_large, 431);
}

TEST(HeadLimits, AFaultBehindTheLimitDoesNotChangeTheReason) {
  std::string bytes = head_of_size(2 * max_head_bytes);
  bytes[max_head_bytes + 5] = '\n';
  expect_refused(bytes, Reject::head_too_large, 431);
}

TEST(HeadLimits, AFieldNameWithoutEndIsAnswered431) {
  expect_refused("GET / HTTP/1.1\r\n" + std::string(max_head_bytes, 'n'), Reject::head_too_large,
                 431);
}

TEST(HeadLimits, ATargetOfTheGreatestSizeIsAccepted) {
  expect_both_ways(head_with_target(max_target_bytes), HeadParser::State::complete);
}

TEST(HeadLimits, ATargetOneByteLongerIsAnswered414) {
  expect_refused(head_with_target(max_target_bytes + 1), Reject::target_too_long, 414);
}

TEST(HeadLimits, ATargetWithoutEndIsAnswered414AsSoonAsItIsTooLong) {
  const std::string bytes = "GET /" + std::string(max_target_bytes, 'a');
  expect_refused(bytes, Reject::target_too_long, 414);
  expect_both_ways(bytes.substr(0, bytes.size() - 1), HeadParser::State::incomplete);
}

TEST(HeadLimits, TheQueryCountsForTheTarget) {
  expect_both_ways(head_with_target(max_target_bytes, '?'), HeadParser::State::complete);
  expect_refused(head_with_target(max_target_bytes + 1, '?'), Reject::target_too_long, 414);
}

TEST(HeadLimits, AMethodOf32BytesIsAccepted) {
  expect_both_ways(std::string(max_method_bytes, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n",
                   HeadParser::State::complete);
}

TEST(HeadLimits, AsManyFieldsAsAllowedAreAccepted) {
  expect_both_ways(head_with_fields(max_fields), HeadParser::State::complete);
}

TEST(HeadLimits, OneFieldMoreIsAnswered431) {
  expect_refused(head_with_fields(max_fields + 1), Reject::too_many_fields, 431);
}

}  // namespace
}  // namespace perchild::http1::head_limits_test
