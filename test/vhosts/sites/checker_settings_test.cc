#include "vhosts/sites/checker_settings.h"

#include <gtest/gtest.h>

namespace perchild::test::checker_settings_test {
namespace {

CheckerSettings sample() {
  return {.lists = {{"/srv/.htpasswd", {}}, {"", {{"alice", "hash of a"}, {"bob", "hash of b"}}}},
          .landlock = Requirement::if_available};
}

TEST(CheckerSettings, AreUnpackedAsTheyWerePacked) {
  const auto settings = CheckerSettings::unpack(sample().pack());
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->lists.size(), 2u);
  EXPECT_EQ(settings->lists[0].file, "/srv/.htpasswd");
  ASSERT_EQ(settings->lists[1].users.size(), 2u);
  EXPECT_EQ(settings->lists[1].users[1].name, "bob");
  EXPECT_EQ(settings->lists[1].users[1].hash, "hash of b");
  EXPECT_EQ(settings->landlock, Requirement::if_available);
}

TEST(CheckerSettings, NoTruncationNoExtraByteAndNoEmptyOnesAreUnpacked) {
  const std::string bytes = sample().pack();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(CheckerSettings::unpack(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(CheckerSettings::unpack(bytes + '\0'));
  EXPECT_FALSE(CheckerSettings::unpack(CheckerSettings{}.pack()));
}

}  // namespace
}  // namespace perchild::test::checker_settings_test
