#include "vhosts/access/remembered_passwords.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::access::remembered_passwords_test {
namespace {

constexpr RememberedPasswords::Time start{std::chrono::seconds(1000)};

TEST(RememberedPasswords, KnowListUserAndPasswordTogether) {
  RememberedPasswords passwords({1, 2});
  EXPECT_FALSE(passwords.knows(0, {"alice", "secret"}, start));
  passwords.remember(0, {"alice", "secret"}, start);
  EXPECT_TRUE(passwords.knows(0, {"alice", "secret"}, start));
  EXPECT_FALSE(passwords.knows(1, {"alice", "secret"}, start));
  EXPECT_FALSE(passwords.knows(0, {"alice", "secret2"}, start));
  EXPECT_FALSE(passwords.knows(0, {"alic", "esecret"}, start));
  EXPECT_FALSE(passwords.knows(0, {"alice", ""}, start));
}

TEST(RememberedPasswords, KnowForSoLongAndNoLonger) {
  RememberedPasswords passwords({1, 2});
  passwords.remember(0, {"alice", "secret"}, start);
  const auto end = start + RememberedPasswords::lifetime;
  EXPECT_TRUE(passwords.knows(0, {"alice", "secret"}, end - std::chrono::milliseconds(1)));
  EXPECT_FALSE(passwords.knows(0, {"alice", "secret"}, end));
}

TEST(RememberedPasswords, KnowSoManyAndForgetTheOldest) {
  RememberedPasswords passwords({1, 2});
  for (std::size_t i = 0; i <= RememberedPasswords::most; ++i) {
    passwords.remember(0, {std::to_string(i), "x"}, start + std::chrono::milliseconds(i));
  }
  EXPECT_FALSE(passwords.knows(0, {"0", "x"}, start));
  EXPECT_TRUE(passwords.knows(0, {"1", "x"}, start));
  EXPECT_TRUE(passwords.knows(0, {std::to_string(RememberedPasswords::most), "x"}, start));
  passwords.forget_all();
  EXPECT_FALSE(passwords.knows(0, {"1", "x"}, start));
}

}  // namespace
}  // namespace perchild::access::remembered_passwords_test
