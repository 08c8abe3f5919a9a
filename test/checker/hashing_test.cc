#include "daemon/checker/hashing.h"

#include <gtest/gtest.h>

namespace perchild::test::hashing_test {
namespace {

// Made by "openssl passwd -apr1" and by crypt(3).
const struct {
  const char* hash;
  const char* password;
} pairs[] = {
    {"$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0", "secret"},
    {"$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.", ""},
    {"$apr1$x$wvZ/ubuBH3ShXlqt2AxwN/", "a much longer password than one block of MD5 takes"},
    {"$apr1$12345678$0NJU6izOW5MGH4BL2C/sK/", "p\xc3\xa4ssw\xc3\xb6rd"},
    {"$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "secret"},
    {"$2y$04$/5oBhC0ol2ROJ.WP6V2zcOp3UMkjj.ZV6QMIEwcYudRq6AO/Z1zI6", "secret"},
    {"$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA", "secret"},
    {"$5$rounds=1000$x$kIBhdUvT3pHpfTjzR8s1XJu3y/HRJeFxMSffBtF8jx9", ""},
    {"$6$abcdefgh$qlUjQo8xiC5dmwOr49rtm.DQdv9onQYoWr0dgDR2SqMkw1296.hIZnRd/"
     "ltg71cpfDQGxCw0Bli1kXypCoIxg0",
     "p\xc3\xa4ssw\xc3\xb6rd"},
    {"$y$j9T$abcdefghijklmnopqrstu.$7uryFExhLbAhrpK1WytVzeNObCUVaK3VoKccP3fJEIB", "secret"}};

TEST(Hashing, MatchesThePasswordThatEachHashWasMadeOfAndNoOther) {
  Hashing hashing;
  ASSERT_TRUE(hashing.ready());
  for (const auto& [hash, password] : pairs) {
    const PasswordHash kind = classify_password_hash(hash);
    ASSERT_EQ(kind.fault, HashFault::none) << hash;
    EXPECT_TRUE(hashing.matches(kind.scheme, hash, password)) << hash;
    for (const std::string& other : {std::string("Secret"), std::string(password) + "x",
                                     std::string(hash), std::string(256, 'x')}) {
      EXPECT_FALSE(hashing.matches(kind.scheme, hash, other)) << hash << " " << other;
    }
  }
}

}  // namespace
}  // namespace perchild::test::hashing_test
