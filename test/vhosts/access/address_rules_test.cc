#include "vhosts/access/address_rules.h"

#include <gtest/gtest.h>

#include <random>

namespace perchild::access::address_rules_test {
namespace {

AddressBytes address(std::string_view text) {
  return AddressBlock::parse(text).value().network;
}

AddressRules rules(const std::vector<std::string_view>& allow,
                   const std::vector<std::string_view>& deny) {
  std::vector<AddressRule> all;
  for (const auto text : allow) all.push_back({AddressBlock::parse(text).value(), true});
  for (const auto text : deny) all.push_back({AddressBlock::parse(text).value(), false});
  return AddressRules(std::move(all));
}

TEST(AddressRules, PermitEverybodyIfThereAreNone) {
  EXPECT_TRUE(rules({}, {}).permits(address("192.0.2.1")));
  EXPECT_TRUE(rules({}, {}).permits(address("2001:db8::1")));
}

TEST(AddressRules, WithAllowedOnesAloneEverybodyElseIsDenied) {
  const AddressRules some = rules({"10.0.0.0/8", "2001:db8::/32"}, {});
  EXPECT_TRUE(some.permits(address("10.1.2.3")));
  EXPECT_TRUE(some.permits(address("2001:db8::1")));
  EXPECT_FALSE(some.permits(address("11.1.2.3")));
  EXPECT_FALSE(some.permits(address("2001:db9::1")));
}

TEST(AddressRules, WithDeniedOnesAloneEverybodyElseMay) {
  const AddressRules some = rules({}, {"10.0.0.0/8"});
  EXPECT_FALSE(some.permits(address("10.1.2.3")));
  EXPECT_TRUE(some.permits(address("11.1.2.3")));
  EXPECT_TRUE(some.permits(address("2001:db8::1")));
}

TEST(AddressRules, TheMostSpecificBlockDecidesWhicheverListItStandsIn) {
  const AddressRules some = rules({"10.0.0.0/8", "10.1.2.3"}, {"10.1.0.0/16", "all"});
  EXPECT_TRUE(some.permits(address("10.0.0.1")));
  EXPECT_FALSE(some.permits(address("10.1.0.1")));
  EXPECT_TRUE(some.permits(address("10.1.2.3")));
  EXPECT_FALSE(some.permits(address("192.0.2.1")));
}

TEST(AddressRules, OfTwoEqualBlocksTheDenyingOneDecides) {
  EXPECT_FALSE(rules({"10.0.0.0/8"}, {"10.0.0.0/8"}).permits(address("10.0.0.1")));
  EXPECT_FALSE(rules({"all"}, {"all"}).permits(address("10.0.0.1")));
}

TEST(AddressRules, AreThoseThatALookAtEachBlockInTurnFinds) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<AddressRule> all;
    const auto some_address = [&] {
      AddressBytes bytes{};
      bytes[0] = static_cast<std::uint8_t>(random() % 4);
      bytes[1] = static_cast<std::uint8_t>(random() % 256);
      return bytes;
    };
    for (unsigned i = 0; i < random() % 12; ++i) {
      const auto length = static_cast<std::uint8_t>(random() % 17);
      all.push_back({{masked(some_address(), length), length}, random() % 2 == 0});
    }
    const AddressRules made(all);
    for (int i = 0; i < 50; ++i) {
      const AddressBytes client = some_address();
      int longest = -1;
      bool expected = std::none_of(all.begin(), all.end(), [](auto& rule) { return rule.allow; });
      for (const AddressRule& rule : all) {
        if (!rule.block.contains(client) || rule.block.length < longest) continue;
        expected = rule.allow && (rule.block.length > longest || expected);
        longest = rule.block.length;
      }
      EXPECT_EQ(made.permits(client), expected);
    }
  }
}

}  // namespace
}  // namespace perchild::access::address_rules_test
