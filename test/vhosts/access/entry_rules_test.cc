#include "vhosts/access/entry_rules.h"

#include <gtest/gtest.h>

namespace perchild::access::entry_rules_test {
namespace {

TEST(EntryRules, AskForAPasswordOfTheirList) {
  const EntryRules rules({.auth = AuthSettings{true, "Members", 3}, .addresses = {}});
  EXPECT_EQ(rules.list(), 3u);
  EXPECT_EQ(rules.challenge(), "WWW-Authenticate: Basic realm=\"Members\", charset=\"UTF-8\"\r\n");
  EXPECT_FALSE(EntryRules({}).list());
  EXPECT_FALSE(EntryRules({.auth = AuthSettings{false, "", 0}, .addresses = {}}).list());
}

TEST(EntryRules, QuoteWhatWouldEndTheRealm) {
  const EntryRules rules({.auth = AuthSettings{true, R"(a "b\)", 0}, .addresses = {}});
  EXPECT_EQ(rules.challenge(),
            "WWW-Authenticate: Basic realm=\"a \\\"b\\\\\", charset=\"UTF-8\"\r\n");
}

}  // namespace
}  // namespace perchild::access::entry_rules_test
