#include "vhosts/forwarded/forwarded_for.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perchild::forwarded::forwarded_for_test {
namespace {

const std::vector<AddressBlock> trusted{AddressBlock::parse("10.0.0.0/8").value(),
                                        AddressBlock::parse("2001:db8:1::/48").value()};

std::string head_of(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a.example\r\n" + fields + "X: y\r\n\r\n";
}

std::optional<AddressBytes> client_with(const std::string& fields) {
  return client_of(head_of(fields), trusted);
}

std::optional<AddressBytes> address(std::string_view text) {
  return AddressBlock::parse(text).value().network;
}

TEST(ForwardedFor, TheRightmostAddressThatIsNoProxysIsTheClients) {
  EXPECT_EQ(client_with("X-Forwarded-For: 192.0.2.7\r\n"), address("192.0.2.7"));
  EXPECT_EQ(client_with("x-forwarded-for:203.0.113.1 ,192.0.2.7,\t10.1.1.1, 10.2.2.2\r\n"),
            address("192.0.2.7"));
  EXPECT_EQ(client_with("X-Forwarded-For: 192.0.2.7, 2001:db8:1::5\r\n"), address("192.0.2.7"));
  EXPECT_EQ(client_with("X-Forwarded-For: 192.0.2.7,, 10.2.2.2, ,\r\n"), address("192.0.2.7"));
}

TEST(ForwardedFor, WhatAClientMakesUpIsLeftOfItsOwnAddress) {
  EXPECT_EQ(client_with("X-Forwarded-For: 10.9.9.9, 127.0.0.1, 192.0.2.7\r\n"),
            address("192.0.2.7"));
  EXPECT_EQ(client_with("X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.7\r\n"),
            address("192.0.2.7"));
}

TEST(ForwardedFor, SeveralFieldsAreOneList) {
  EXPECT_EQ(client_with("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n"
                        "X-Forwarded-For: \r\n"),
            address("192.0.2.7"))
      << "an empty one adds nothing";
  std::string many = "X-Forwarded-For: 192.0.2.7\r\n";
  for (int i = 0; i < 100; ++i) many += "X-Forwarded-For: ,\r\n";
  EXPECT_EQ(client_with(many), address("192.0.2.7"));
  EXPECT_EQ(client_with("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.1.1.1\r\n"),
            address("192.0.2.7"));
}

TEST(ForwardedFor, IfAllAreProxiesTheFirstOneAsked) {
  EXPECT_EQ(client_with("X-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n"), address("10.1.1.1"));
}

TEST(ForwardedFor, WhatIsNoAddressEndsTheListAtTheProxyBeforeIt) {
  EXPECT_EQ(client_with("X-Forwarded-For: 192.0.2.7, unknown, 10.2.2.2\r\n"), address("10.2.2.2"));
  EXPECT_EQ(client_with("X-Forwarded-For: 192.0.2.7, _hidden\r\n"), std::nullopt);
  EXPECT_EQ(client_with(""), std::nullopt);
  EXPECT_EQ(client_with("Forwarded: for=192.0.2.7\r\n"), std::nullopt);
}

TEST(ForwardedFor, AnEntryMayHaveAPort) {
  EXPECT_EQ(parse_entry("192.0.2.7:1234"), address("192.0.2.7"));
  EXPECT_EQ(parse_entry("[2001:db8::7]:1234"), address("2001:db8::7"));
  EXPECT_EQ(parse_entry("[2001:db8::7]"), address("2001:db8::7"));
  EXPECT_EQ(parse_entry("2001:db8::7"), address("2001:db8::7"));
  EXPECT_EQ(parse_entry("::ffff:192.0.2.7"), address("192.0.2.7"));
  for (const char* none : {"", "all", "10.0.0.0/8", "[192.0.2.7]", "192.0.2.7:x", "2001:db8::7]:1",
                           "[2001:db8::7", "a.example", "192.0.2", "192.0.2.7 192.0.2.8"}) {
    EXPECT_EQ(parse_entry(none), std::nullopt) << none;
  }
}

TEST(ForwardedFor, AnEndlessListIsNotFollowed) {
  std::string entries = "192.0.2.7";
  for (int i = 0; i < most_hops; ++i) entries += ", 10.1.1." + std::to_string(i);
  EXPECT_EQ(client_with("X-Forwarded-For: " + entries + "\r\n"), address("10.1.1.0"));
  std::string fields = "X-Forwarded-For: 192.0.2.7\r\n";
  for (int i = 0; i < most_hops; ++i) fields += "X-Forwarded-For: 10.1.1.1\r\n";
  EXPECT_EQ(client_with(fields), address("10.1.1.1"));
}

TEST(ForwardedFor, HttpsIsWhatTheProxyNextToTheClientSays) {
  EXPECT_TRUE(is_over_https(head_of("X-Forwarded-Proto: https\r\n")));
  EXPECT_TRUE(is_over_https(head_of("x-forwarded-proto: HTTPS , http\r\n")));
  EXPECT_FALSE(is_over_https(head_of("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n")));
  EXPECT_FALSE(is_over_https(head_of("X-Forwarded-Proto: httpss\r\n")));
  EXPECT_FALSE(is_over_https(head_of("")));
}

}  // namespace
}  // namespace perchild::forwarded::forwarded_for_test
