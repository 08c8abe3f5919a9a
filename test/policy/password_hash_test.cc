#include "policy/password_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::test::password_hash_test {
namespace {

const std::string bcrypt_rest = "abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
const std::string sha256_hash = "0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA";
const std::string sha512_hash =
    "qlUjQo8xiC5dmwOr49rtm.DQdv9onQYoWr0dgDR2SqMkw1296.hIZnRd/ltg71cpfDQGxCw0Bli1kXypCoIxg0";
const std::string yescrypt_rest =
    "$abcdefghijklmnopqrstu.$7uryFExhLbAhrpK1WytVzeNObCUVaK3VoKccP3fJEIB";

HashFault fault_of(const std::string& text) {
  return classify_password_hash(text).fault;
}

TEST(PasswordHash, IsTakenOfEachScheme) {
  const std::pair<std::string, PasswordScheme> good[] = {
      {"$2y$04$" + bcrypt_rest, PasswordScheme::bcrypt},
      {"$2a$10$" + bcrypt_rest, PasswordScheme::bcrypt},
      {"$2b$15$" + bcrypt_rest, PasswordScheme::bcrypt},
      {"$5$saltsalt$" + sha256_hash, PasswordScheme::sha_crypt},
      {"$5$rounds=1000$x$" + sha256_hash, PasswordScheme::sha_crypt},
      {"$6$rounds=1000000$0123456789abcdef$" + sha512_hash, PasswordScheme::sha_crypt},
      {"$y$j9T" + yescrypt_rest, PasswordScheme::yescrypt},
      {"$y$jBT" + yescrypt_rest, PasswordScheme::yescrypt},
      {"$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0", PasswordScheme::apr1}};
  for (const auto& [text, scheme] : good) {
    EXPECT_EQ(fault_of(text), HashFault::none) << text;
    EXPECT_EQ(classify_password_hash(text).scheme, scheme) << text;
  }
}

TEST(PasswordHash, PlainTextAndWeakSchemesAreNone) {
  for (const char* text : {"", "secret", "{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=", "saSAVPs8gQhzs",
                           "$1$saltsalt$kRrXmDFcNFCyEDHjrvXYW/", "$2x$04$", "$7$CU..../....$x",
                           "$gy$j9T$x$y", "$", "*", "!", "$y", "x$2y$04$"}) {
    EXPECT_EQ(fault_of(text), HashFault::not_a_hash) << text;
  }
}

TEST(PasswordHash, WhatIsCutOffOrGarbledIsMalformed) {
  for (const std::string& whole :
       {"$2y$04$" + bcrypt_rest, "$5$saltsalt$" + sha256_hash, "$6$rounds=5000$x$" + sha512_hash,
        "$y$j9T" + yescrypt_rest, std::string("$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0")}) {
    ASSERT_EQ(fault_of(whole), HashFault::none);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_NE(fault_of(whole.substr(0, length)), HashFault::none) << whole.substr(0, length);
    }
    EXPECT_EQ(fault_of(whole + "x"), HashFault::malformed);
    for (const char bad : {':', '$', '\n', '\0', '\xff'}) {
      std::string garbled = whole;
      garbled.back() = bad;
      EXPECT_EQ(fault_of(garbled), HashFault::malformed) << garbled;
    }
  }
  for (const std::string& text :
       {"$2y$4$" + bcrypt_rest, "$2y$03$" + bcrypt_rest, "$2y$-4$" + bcrypt_rest,
        "$5$$" + sha256_hash, "$5$rounds=999$x$" + sha256_hash, "$5$rounds=05000$x$" + sha256_hash,
        "$5$rounds=$x$" + sha256_hash, "$5$0123456789abcdef0$" + sha256_hash,
        "$y$k9T" + yescrypt_rest, "$y$" + yescrypt_rest, "$y$j9T0" + yescrypt_rest,
        std::string("$apr1$123456789$LrttParrLPdxvgutaSXWJ0")}) {
    EXPECT_EQ(fault_of(text), HashFault::malformed) << text;
  }
}

TEST(PasswordHash, WhatWouldTakeTooLongOrTooMuchMemoryIsRefused) {
  for (const std::string& text :
       {"$2y$16$" + bcrypt_rest, "$2y$31$" + bcrypt_rest, "$5$rounds=1000001$x$" + sha256_hash,
        "$6$rounds=999999999$x$" + sha512_hash, "$y$jCT" + yescrypt_rest, "$y$j9U" + yescrypt_rest,
        "$y$jzz" + yescrypt_rest}) {
    EXPECT_EQ(fault_of(text), HashFault::too_costly) << text;
  }
  EXPECT_NE(fault_of("$5$rounds=99999999999999999999$x$" + sha256_hash), HashFault::none);
}

TEST(UserName, HoldsNoColonNorControlCharacter) {
  EXPECT_TRUE(is_user_name("alice"));
  EXPECT_TRUE(is_user_name("\xc3\xa4 b"));
  EXPECT_TRUE(is_user_name(std::string(longest_user_name, 'a')));
  for (const std::string& text :
       {std::string(), std::string("a:b"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("a\x7f"), std::string(longest_user_name + 1, 'a')}) {
    EXPECT_FALSE(is_user_name(text)) << text;
  }
}

}  // namespace
}  // namespace perchild::test::password_hash_test
