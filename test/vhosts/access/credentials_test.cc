#include "vhosts/access/credentials.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace perchild::access::credentials_test {
namespace {

std::string read(std::string_view field) {
  std::array<char, longest_credentials> buffer;
  const auto credentials = parse_basic_credentials(field, buffer);
  if (!credentials) return "none";
  return std::string(credentials->user) + "|" + std::string(credentials->password);
}

std::string base64(const std::string& text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      result.push_back(i + j > text.size() ? '=' : digits[bits >> (18 - 6 * j) & 63]);
    }
  }
  return result;
}

TEST(Credentials, AreUserAndPassword) {
  EXPECT_EQ(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin|open sesame");  // RFC 7617, 2
  EXPECT_EQ(read("Basic dGVzdDoxMjPCow=="), "test|123\xc2\xa3");                 // RFC 7617, 2.1
  EXPECT_EQ(read("bAsIc YTpi"), "a|b");
  EXPECT_EQ(read("Basic   YTpi"), "a|b");
  EXPECT_EQ(read("Basic " + base64("a:b:c")), "a|b:c");
  EXPECT_EQ(read("Basic " + base64("a:")), "a|");
}

TEST(Credentials, OfAnotherFormAreNone) {
  for (const char* field : {"",
                            " ",
                            "Basic",
                            "Basic ",
                            "Basic  ",
                            "Basi YTpi",
                            "Basic\tYTpi",
                            "BasicYTpi",
                            "Bearer YTpi",
                            "Digest username=\"a\"",
                            "Basic YTpi YTpi",
                            "Basic YTpi,",
                            "Basic YTpi ",
                            "Basic YTp",
                            "Basic YTo",
                            "Basic YTp=i",
                            "Basic =YTp",
                            "Basic YTpi====",
                            "Basic ====",
                            "Basic YT-_",
                            "Basic YTp\xff"}) {
    EXPECT_EQ(read(field), "none") << field;
  }
  EXPECT_EQ(read("Basic YTo="), "a|");
  EXPECT_EQ(read("Basic YTp="), "none");  // a bit behind the last byte
}

TEST(Credentials, ThatNobodyCanHaveAreNone) {
  for (const std::string& text :
       {std::string("ab"), std::string(":b"), std::string("a:b\0c", 5), std::string("a\n:b"),
        std::string("a:\x7f"), std::string(longest_user_name + 1, 'a') + ":b",
        "a:" + std::string(longest_password + 1, 'b'), std::string(2000, 'a') + ":b"}) {
    EXPECT_EQ(read("Basic " + base64(text)), "none") << text;
  }
  const std::string longest =
      std::string(longest_user_name, 'a') + ":" + std::string(longest_password, 'b');
  EXPECT_EQ(read("Basic " + base64(longest)).size(), longest.size());
}

}  // namespace
}  // namespace perchild::access::credentials_test
