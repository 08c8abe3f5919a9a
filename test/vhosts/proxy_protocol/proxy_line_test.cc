#include <gtest/gtest.h>

#include <string>

#include "test/vhosts/proxy_protocol/every_prefix.h"

namespace perchild::proxy_protocol::proxy_line_test {
namespace {

constexpr Reading::State complete = Reading::State::complete;
constexpr Reading::State rejected = Reading::State::rejected;

TEST(ProxyLine, NamesAnIPv4Client) {
  const std::string line = "PROXY TCP4 192.0.2.7 198.51.100.1 51234 80\r\n";
  const Reading reading = read_every_prefix(line + "GET / HTTP/1.1\r\n");
  ASSERT_EQ(reading.state, complete);
  EXPECT_EQ(reading.header.length, line.size());
  const Source source{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}, 51234};
  EXPECT_EQ(reading.header.source, source);
  EXPECT_FALSE(reading.header.over_tls);
}

TEST(ProxyLine, NamesAnIPv6Client) {
  const std::string line = "PROXY TCP6 2001:db8::7 2001:DB8:0:0:0:0:0:1 1 65535\r\n";
  const Reading reading = read_every_prefix(line);
  ASSERT_EQ(reading.state, complete);
  EXPECT_EQ(reading.header.length, line.size());
  const Source source{{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}, 1};
  EXPECT_EQ(reading.header.source, source);
}

TEST(ProxyLine, AMappedAddressIsTheIPv4AddressInIt) {
  const auto ipv4 = read_header("PROXY TCP4 192.0.2.7 192.0.2.1 9 80\r\n");
  const auto ipv6 = read_header("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 9 80\r\n");
  ASSERT_EQ(ipv6.state, complete);
  EXPECT_EQ(ipv6.header.source, ipv4.header.source);
}

TEST(ProxyLine, UnknownNamesNobodyWhateverFollows) {
  for (const std::string line :
       {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN \r\n", "PROXY UNKNOWN ffff::1 x y z 1\r\n"}) {
    const Reading reading = read_every_prefix(line);
    ASSERT_EQ(reading.state, complete) << line;
    EXPECT_EQ(reading.header.length, line.size());
    EXPECT_FALSE(reading.header.source.has_value()) << line;
  }
}

TEST(ProxyLine, TheLongestThatThereIsFits) {
  const std::string address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const std::string unknown = "PROXY UNKNOWN " + address + " " + address + " 65535 65535\r\n";
  ASSERT_EQ(unknown.size(), 107u);
  EXPECT_EQ(read_every_prefix(unknown).state, complete);
  const std::string longer = "PROXY UNKNOWN " + address + " " + address + " 65535 655350\r\n";
  const Reading reading = read_every_prefix(longer);
  EXPECT_EQ(reading.state, rejected);
  EXPECT_EQ(reading.reason, Reject::line_too_long);
}

struct BadLine {
  const char* line;
  Reject reason;
};

TEST(ProxyLine, WhatIsNotExactlyALineIsRejected) {
  const BadLine bad[] = {
      {"GET / HTTP/1.1\r\n", Reject::no_signature},
      {"proxy TCP4 192.0.2.7 192.0.2.1 9 80\r\n", Reject::no_signature},
      {"PROXY\tTCP4 192.0.2.7 192.0.2.1 9 80\r\n", Reject::no_signature},
      {"\r\nPROXY TCP4 192.0.2.7 192.0.2.1 9 80\r\n", Reject::no_signature},
      {"PROXY \r\n", Reject::malformed_line},
      {"PROXY  TCP4 192.0.2.7 192.0.2.1 9 80\r\n", Reject::malformed_line},
      {"PROXY TCP4  192.0.2.7 192.0.2.1 9 80\r\n", Reject::malformed_line},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 9 80 \r\n", Reject::malformed_line},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 9\r\n", Reject::malformed_line},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 9 80\n", Reject::malformed_line},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 9 80\r\r\n", Reject::malformed_line},
      {"PROXY TCP4 192.0.2.7\t192.0.2.1 9 80\r\n", Reject::malformed_line},
      {"PROXY UDP4 192.0.2.7 192.0.2.1 9 80\r\n", Reject::malformed_line},
      {"PROXY tcp4 192.0.2.7 192.0.2.1 9 80\r\n", Reject::malformed_line},
      {"PROXY UNKNOWNS\r\n", Reject::malformed_line},
      {"PROXY TCP4 192.0.2 192.0.2.1 9 80\r\n", Reject::bad_address},
      {"PROXY TCP4 192.0.2.256 192.0.2.1 9 80\r\n", Reject::bad_address},
      {"PROXY TCP4 192.0.2.07 192.0.2.1 9 80\r\n", Reject::bad_address},
      {"PROXY TCP4 192.0.2.7 nobody 9 80\r\n", Reject::bad_address},
      {"PROXY TCP4 ::1 ::1 9 80\r\n", Reject::bad_address},
      {"PROXY TCP6 192.0.2.7 192.0.2.1 9 80\r\n", Reject::bad_address},
      {"PROXY TCP6 fe80::1%1 ::1 9 80\r\n", Reject::bad_address},
      {"PROXY TCP6 1::2::3 ::1 9 80\r\n", Reject::bad_address},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 65536 80\r\n", Reject::bad_port},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 09 80\r\n", Reject::bad_port},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 -9 80\r\n", Reject::bad_port},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 9 +80\r\n", Reject::bad_port},
      {"PROXY TCP4 192.0.2.7 192.0.2.1 9 8O\r\n", Reject::bad_port},
  };
  for (const BadLine& each : bad) {
    const Reading reading = read_every_prefix(each.line);
    EXPECT_EQ(reading.state, rejected) << each.line;
    EXPECT_EQ(text_of(reading.reason), text_of(each.reason)) << each.line;
  }
  const std::string nul("PROXY TCP4 192.0.2.7\0 192.0.2.1 9 80\r\n", 38);
  EXPECT_EQ(read_every_prefix(nul).reason, Reject::malformed_line);
}

TEST(ProxyLine, IsToldFromARequestWithinItsFirstBytes) {
  EXPECT_EQ(read_header("PROXY").state, Reading::State::incomplete);
  EXPECT_EQ(read_header("PROPFIND / HTTP/1.1\r\n").state, rejected);
  EXPECT_EQ(read_header("G").state, rejected);
  EXPECT_TRUE(begins_like_header("PROXY x"));
  EXPECT_FALSE(begins_like_header("PROPFIND /"));
}

}  // namespace
}  // namespace perchild::proxy_protocol::proxy_line_test
