#include "vhosts/mail/mail_call.h"

#include <gtest/gtest.h>

namespace perchild::mail::test::mail_call_test {
namespace {

TEST(MailCall, IsUnpackedAsItWasPacked) {
  const MailCall call{"me@a.example", {"you@b.example", "x+y=z@c.example"}};
  const std::string bytes = call.pack();
  const auto got = MailCall::unpack(bytes);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->sender, call.sender);
  EXPECT_EQ(got->recipients, call.recipients);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(MailCall::unpack(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(MailCall::unpack(bytes + '\0'));
}

TEST(MailCall, NamesAddressesAndNothingThatAProgramTakesForMore) {
  const auto is_good = [](const std::string& recipient) {
    return MailCall::unpack(MailCall{"", {recipient}}.pack()).has_value();
  };
  EXPECT_TRUE(is_good("a.b-c@d-e.example"));
  for (const char* bad : {"", "a", "@b", "a@", "-a@b", "a@-b", "a b@c", "a@b c", "a\n@b", "a@b>",
                          "<a@b>", "\"a\"@b", "a@b@c", "a;b@c", "a(x)@c"}) {
    EXPECT_FALSE(is_good(bad)) << bad;
  }
  EXPECT_FALSE(is_good(std::string("a\0b@c", 5)));
  EXPECT_FALSE(is_good(std::string(254, 'a') + "@b"));
  EXPECT_TRUE(MailCall::unpack(MailCall{"<>", {"a@b"}}.pack()));
  EXPECT_FALSE(is_good("<>"));
  EXPECT_FALSE(MailCall::unpack(MailCall{"nobody", {"a@b"}}.pack()));
  EXPECT_FALSE(MailCall::unpack(MailCall{"", {}}.pack()));
  MailCall crowd{"", {}};
  crowd.recipients.assign(MailCall::max_recipients, "a@b");
  EXPECT_TRUE(MailCall::unpack(crowd.pack()));
  crowd.recipients.emplace_back("a@b");
  EXPECT_FALSE(MailCall::unpack(crowd.pack()));
}

// The longest that there can be fits into what is read.
TEST(MailCall, FitsIntoItsBound) {
  const std::string longest = std::string(247, 'a') + "@b.com";
  MailCall crowd{longest, {}};
  crowd.recipients.assign(MailCall::max_recipients, longest);
  ASSERT_TRUE(crowd.valid());
  EXPECT_LE(crowd.pack().size(), MailCall::max_bytes);
}

TEST(MailAnswer, IsUnpackedAsItWasPacked) {
  const auto got = MailAnswer::unpack(MailAnswer{75, "later"}.pack());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 75);
  EXPECT_EQ(got->sentence, "later");
  EXPECT_FALSE(MailAnswer::unpack(""));
}

}  // namespace
}  // namespace perchild::mail::test::mail_call_test
