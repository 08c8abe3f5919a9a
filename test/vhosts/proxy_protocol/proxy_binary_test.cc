#include <gtest/gtest.h>

#include <string>

#include "test/vhosts/proxy_protocol/every_prefix.h"

namespace perchild::proxy_protocol::proxy_binary_test {
namespace {

using std::string_literals::operator""s;

constexpr Reading::State complete = Reading::State::complete;

constexpr int local = 0x20;
constexpr int proxy = 0x21;
constexpr int tcp4 = 0x11;
constexpr int tcp6 = 0x21;

std::string byte(int value) {
  return std::string(1, static_cast<char>(value));
}

std::string number(std::size_t value) {
  return byte(static_cast<int>(value >> 8)) + byte(static_cast<int>(value & 0xff));
}

std::string header_of(int command, int family, const std::string& block) {
  return std::string("\r\n\r\n\0\r\nQUIT\n", 12) + byte(command) + byte(family) +
         number(block.size()) + block;
}

std::string extension(int type, const std::string& value) {
  return byte(type) + number(value.size()) + value;
}

const std::string ipv4_block = "\xc0\x00\x02\x07\xc6\x33\x64\x01\xc8\x22\x00\x50"s;
const Source ipv4_source{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}, 51234};

Reject reason_of(const std::string& bytes) {
  const Reading reading = read_every_prefix(bytes);
  EXPECT_EQ(reading.state, Reading::State::rejected);
  return reading.reason;
}

TEST(ProxyBinary, NamesAnIPv4Client) {
  const std::string header = header_of(proxy, tcp4, ipv4_block);
  const Reading reading = read_every_prefix(header + "GET / HTTP/1.1\r\n");
  ASSERT_EQ(reading.state, complete);
  EXPECT_EQ(reading.header.length, header.size());
  EXPECT_EQ(reading.header.source, ipv4_source);
  EXPECT_FALSE(reading.header.over_tls);
}

TEST(ProxyBinary, NamesAnIPv6Client) {
  const std::string client = "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x07";
  const std::string block = client + std::string(16, '\1') + number(51234) + number(80);
  const Reading reading = read_every_prefix(header_of(proxy, tcp6, block));
  ASSERT_EQ(reading.state, complete);
  const Source source{{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}, 51234};
  EXPECT_EQ(reading.header.source, source);
}

TEST(ProxyBinary, ItsOwnConnectionsNameNobodyWhateverTheBlockHolds) {
  for (const int family : {0x00, tcp4, 0x12, 0xff}) {
    for (const std::string& block : {std::string(), ipv4_block, std::string(5, '\xff')}) {
      const std::string header = header_of(local, family, block);
      const Reading reading = read_every_prefix(header);
      ASSERT_EQ(reading.state, complete) << family;
      EXPECT_EQ(reading.header.length, header.size());
      EXPECT_FALSE(reading.header.source.has_value());
    }
  }
}

TEST(ProxyBinary, UnspecifiedAndLocalSocketsNameNobody) {
  const Reading unspecified = read_every_prefix(header_of(proxy, 0x00, ipv4_block));
  ASSERT_EQ(unspecified.state, complete);
  EXPECT_FALSE(unspecified.header.source.has_value());
  const Reading unix_stream = read_every_prefix(header_of(proxy, 0x31, std::string(216, 'x')));
  ASSERT_EQ(unix_stream.state, complete);
  EXPECT_FALSE(unix_stream.header.source.has_value());
}

TEST(ProxyBinary, ExtensionsAreSkipped) {
  const std::string block = ipv4_block + extension(0x02, "a.example") + extension(0x04, "") +
                            extension(0x03, "crc!") + extension(0xee, std::string(300, 'x'));
  const std::string header = header_of(proxy, tcp4, block);
  const Reading reading = read_every_prefix(header);
  ASSERT_EQ(reading.state, complete);
  EXPECT_EQ(reading.header.length, header.size());
  EXPECT_EQ(reading.header.source, ipv4_source);
  EXPECT_FALSE(reading.header.over_tls);
}

TEST(ProxyBinary, SaysWhetherTheClientSpokeTls) {
  const std::string verify(4, '\0');
  const std::string version = extension(0x21, "TLSv1.3");
  const auto over_tls = [&](int client) {
    const std::string tls = extension(0x20, byte(client) + verify + version);
    const Reading reading = read_every_prefix(header_of(proxy, tcp4, ipv4_block + tls));
    EXPECT_EQ(reading.state, complete);
    return reading.header.over_tls;
  };
  EXPECT_TRUE(over_tls(0x01));
  EXPECT_TRUE(over_tls(0x05));
  EXPECT_FALSE(over_tls(0x00));
  EXPECT_FALSE(over_tls(0x06));
}

TEST(ProxyBinary, ExtensionsThatDoNotFitAreRejected) {
  const auto reason_with = [](const std::string& extensions) {
    return reason_of(header_of(proxy, tcp4, ipv4_block + extensions));
  };
  EXPECT_EQ(reason_with("\x02"), Reject::malformed_extension);
  EXPECT_EQ(reason_with(byte(2) + byte(0)), Reject::malformed_extension);
  EXPECT_EQ(reason_with(byte(2) + number(1)), Reject::malformed_extension);
  EXPECT_EQ(reason_with(extension(2, "x") + byte(2) + number(65535)), Reject::malformed_extension);
  EXPECT_EQ(reason_with(extension(0x20, "\1\0\0\0"s)), Reject::malformed_extension);
}

TEST(ProxyBinary, WhatItDoesNotKnowIsRejected) {
  EXPECT_EQ(reason_of(header_of(0x11, tcp4, ipv4_block)), Reject::version_unknown);
  EXPECT_EQ(reason_of(header_of(0x31, tcp4, ipv4_block)), Reject::version_unknown);
  EXPECT_EQ(reason_of(header_of(0x22, tcp4, ipv4_block)), Reject::command_unknown);
  for (const int family : {0x01, 0x10, 0x12, 0x13, 0x22, 0x32, 0x41, 0xff}) {
    EXPECT_EQ(reason_of(header_of(proxy, family, std::string(216, 'x'))), Reject::not_tcp);
  }
  std::string other = header_of(proxy, tcp4, ipv4_block);
  other[11] = '\r';
  EXPECT_EQ(reason_of(other), Reject::no_signature);
}

TEST(ProxyBinary, ABlockTooSmallForItsAddressesIsRejected) {
  EXPECT_EQ(reason_of(header_of(proxy, tcp4, ipv4_block.substr(1))), Reject::too_short);
  EXPECT_EQ(reason_of(header_of(proxy, tcp6, std::string(35, 'x'))), Reject::too_short);
  EXPECT_EQ(reason_of(header_of(proxy, 0x31, std::string(215, 'x'))), Reject::too_short);
}

TEST(ProxyBinary, ItsLengthHasABoundWhichItsFirstBytesTell) {
  const std::string most(max_header_bytes - 16, 'x');
  EXPECT_EQ(read_every_prefix(header_of(local, 0, most)).state, complete);
  const std::string header = header_of(local, 0, most + "x");
  EXPECT_EQ(read_header(header.substr(0, 16)).reason, Reject::too_long);
}

TEST(ProxyBinary, TellsHowMuchItWaitsFor) {
  const std::string header = header_of(proxy, tcp4, ipv4_block);
  EXPECT_EQ(read_header(header.substr(0, 12)).at_least, 13u);
  EXPECT_EQ(read_header(header.substr(0, 14)).at_least, 16u);
  EXPECT_EQ(read_header(header.substr(0, 16)).at_least, header.size());
}

}  // namespace
}  // namespace perchild::proxy_protocol::proxy_binary_test
