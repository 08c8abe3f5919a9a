#include "vhosts/sites/router_settings.h"

#include <gtest/gtest.h>

namespace perchild::test::router_settings_test {
namespace {

RouterSettings sample() {
  RouterSettings settings;
  settings.limits.connections = 11;
  settings.limits.per_address = 12;
  settings.limits.head = std::chrono::milliseconds(13);
  settings.limits.queue = std::chrono::milliseconds(14);
  settings.landlock = Requirement::if_available;
  return settings;
}

TEST(RouterSettings, AreUnpackedAsTheyWerePacked) {
  const auto settings = RouterSettings::unpack(sample().pack());
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->limits.connections, 11u);
  EXPECT_EQ(settings->limits.per_address, 12u);
  EXPECT_EQ(settings->limits.head, std::chrono::milliseconds(13));
  EXPECT_EQ(settings->limits.queue, std::chrono::milliseconds(14));
  EXPECT_EQ(settings->landlock, Requirement::if_available);
  EXPECT_EQ(RouterSettings::unpack(RouterSettings{}.pack())->landlock, Requirement::required);
}

TEST(RouterSettings, NoTruncationAndNoExtraByteIsUnpacked) {
  const std::string bytes = sample().pack();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(RouterSettings::unpack(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(RouterSettings::unpack(bytes + '\0'));
}

TEST(RouterSettings, NoRoomForAnyConnectionIsNotUnpacked) {
  RouterSettings settings = sample();
  settings.limits.connections = 0;
  EXPECT_FALSE(RouterSettings::unpack(settings.pack()));
}

}  // namespace
}  // namespace perchild::test::router_settings_test
