#include "vhosts/http1/authority.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace perchild::http1::authority_test {
namespace {

struct Case {
  const char* text;
  const char* host;
  std::optional<std::uint16_t> port;
};

TEST(Authority, IsSplitAtThePortsColon) {
  const Case cases[] = {{"a.example", "a.example", std::nullopt},
                        {"a.example:", "a.example", std::nullopt},
                        {"a.example:0", "a.example", 0},
                        {"a.example:65535", "a.example", 65535},
                        {"a.example:00080", "a.example", 80},
                        {"[::1]", "[::1]", std::nullopt},
                        {"[::1]:8080", "[::1]", 8080},
                        {"[::1", "[::1", std::nullopt},
                        {":80", "", 80},
                        {"", "", std::nullopt}};
  for (const Case& c : cases) {
    const auto authority = split_authority(c.text);
    ASSERT_TRUE(authority.has_value()) << c.text;
    EXPECT_EQ(authority->host_text, c.host) << c.text;
    EXPECT_EQ(authority->port, c.port) << c.text;
  }
}

TEST(Authority, APortThatIsNoneIsRefused) {
  for (const char* text : {"a:65536", "a:99999", "a:000080", "a:8x", "a:-1", "a:+1", "a: 80",
                           "a::", "a:80:80", "::1", "[::1]:x"}) {
    EXPECT_FALSE(split_authority(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace perchild::http1::authority_test
