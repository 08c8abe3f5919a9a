#include "policy/address_block.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::address_block_test {
namespace {

AddressBytes address_of(const std::string& text) {
  const auto block = AddressBlock::parse(text);
  EXPECT_TRUE(block && block->length == 128) << text;
  return block ? block->network : AddressBytes{};
}

bool contains(const std::string& block, const std::string& address) {
  const auto parsed = AddressBlock::parse(block);
  EXPECT_TRUE(parsed.has_value()) << block;
  return parsed && parsed->contains(address_of(address));
}

TEST(AddressBlock, AnAddressIsABlockOfItself) {
  EXPECT_TRUE(contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(contains("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(contains("2001:db8::7", "2001:DB8:0:0::7"));
  EXPECT_FALSE(contains("2001:db8::7", "2001:db8::8"));
}

TEST(AddressBlock, APrefixCoversWhatBeginsWithIt) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.255"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("192.0.2.6/31", "192.0.2.7"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(AddressBlock, AllOfAFamilyIsNotTheOther) {
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("2000::/3", "2001:db8::1"));
  EXPECT_FALSE(contains("2000::/3", "203.0.113.9"));
  for (const char* everything : {"all", "::/0"}) {
    EXPECT_TRUE(contains(everything, "203.0.113.9"));
    EXPECT_TRUE(contains(everything, "2001:db8::1"));
  }
}

TEST(AddressBlock, AnIPv4AddressIsTheSameMapped) {
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
}

TEST(AddressBlock, WhatIsNotPlainlyOneIsNone) {
  for (const std::string text : {"",
                                 "/",
                                 "10.0.0.0/",
                                 "/8",
                                 "10.0.0.0/33",
                                 "10.0.0.0/08",
                                 "10.0.0.0/+8",
                                 "10.0.0.0/8/8",
                                 "10.0.0.0/8 ",
                                 " 10.0.0.0",
                                 "10.0.0",
                                 "010.0.0.0",
                                 "10.0.0.256",
                                 "10.0.0.1/8",
                                 "192.0.2.129/25",
                                 "2001:db8::1/32",
                                 "2001:db8::/129",
                                 "[::1]",
                                 "fe80::1%eth0",
                                 "localhost",
                                 "*",
                                 "ALL"}) {
    EXPECT_FALSE(AddressBlock::parse(text).has_value()) << text;
  }
  EXPECT_FALSE(AddressBlock::parse(std::string_view("10.0.0.1\0", 9)).has_value());
}

TEST(AddressBlock, AVisitorIsAnIPv4AddressOrTheNetworkOfAnIPv6One) {
  EXPECT_EQ(visitor_of(address_of("192.0.2.7")), address_of("192.0.2.7"));
  EXPECT_EQ(visitor_of(address_of("2001:db8:1:2:3:4:5:6")), address_of("2001:db8:1:2::"));
  EXPECT_TRUE(is_mapped_ipv4(address_of("192.0.2.7")));
  EXPECT_FALSE(is_mapped_ipv4(address_of("2001:db8::7")));
  EXPECT_FALSE(is_mapped_ipv4(address_of("::192.0.2.7")));
}

}  // namespace
}  // namespace perchild::address_block_test
