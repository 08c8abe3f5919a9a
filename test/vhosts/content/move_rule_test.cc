#include "vhosts/content/move_rule.h"

#include <gtest/gtest.h>

#include "vhosts/content/rule_book.h"

namespace perchild::content::move_rule_test {
namespace {

using Kind = Location::Kind;

Move to(const std::string& target, std::optional<std::string> pattern = std::nullopt) {
  return {.pattern = std::move(pattern), .to = target};
}

Location redirecting(Kind kind, const std::string& match, std::vector<Move> moves) {
  return {kind, match, {.redirect = std::move(moves)}};
}

// Where a redirect of the rules for `path` leads; empty if none matches.
std::string target_of(const RuleBook& book, std::string_view path) {
  const RuleBook::Found found = book.find(path);
  const MoveMatch match = first_match(found.rules->redirects(), path, book.matcher());
  if (match.too_costly) return "<too costly>";
  if (match.rule == nullptr) return {};
  return match.rule->to.address({.path = path, .host = "", .captures = match.captures});
}

TEST(MoveRule, APrefixCapturesWhatFollowsIt) {
  const auto book = RuleBook::make(
      {{}, {redirecting(Kind::prefix, "/old", {to("/new$1")}), {Kind::prefix, "/old/x", {}}}});
  ASSERT_TRUE(book);
  EXPECT_EQ(target_of(*book, "/old"), "/new");
  EXPECT_EQ(target_of(*book, "/old/"), "/new/");
  EXPECT_EQ(target_of(*book, "/old/a/b"), "/new/a/b");
  EXPECT_EQ(target_of(*book, "/old/x/y"), "/new/x/y") << "inherited, $1 as where it was said";
  EXPECT_EQ(target_of(*book, "/older"), "");
}

TEST(MoveRule, ALocationsPatternCapturesForItsRedirect) {
  const auto book =
      RuleBook::make({{}, {redirecting(Kind::pattern, "^/(\\d+)/(\\w+)$", {to("/$2/$1")})}});
  ASSERT_TRUE(book);
  EXPECT_EQ(target_of(*book, "/12/ab"), "/ab/12");
  EXPECT_EQ(target_of(*book, "/ab/12"), "");
}

TEST(MoveRule, TheFirstThatMatchesIsTaken) {
  const auto book = RuleBook::make(
      {{.redirect = {{to("/one/$1", "^/a(.)"), to("/two/$1", "^/a(.*)"), to("/three", "b$")}}},
       {}});
  ASSERT_TRUE(book);
  EXPECT_EQ(target_of(*book, "/axy"), "/one/x");
  EXPECT_EQ(target_of(*book, "/a"), "/two/");
  EXPECT_EQ(target_of(*book, "/b"), "/three");
  EXPECT_EQ(target_of(*book, "/c"), "");
}

TEST(MoveRule, ALocationWithoutAnyTakesBackTheSites) {
  const auto book = RuleBook::make({{.redirect = {{to("https://new.example{path}")}}},
                                    {redirecting(Kind::prefix, "/keep", {})}});
  ASSERT_TRUE(book);
  EXPECT_EQ(target_of(*book, "/a"), "https://new.example/a");
  EXPECT_EQ(target_of(*book, "/keep/a"), "");
}

TEST(MoveRule, APatternThatIsTooCostlyEndsTheSearch) {
  const auto book = RuleBook::make({{.redirect = {{to("/x", "^/(a+)+$"), to("/y")}}}, {}});
  ASSERT_TRUE(book);
  EXPECT_EQ(target_of(*book, "/" + std::string(64, 'a') + "!"), "<too costly>");
}

}  // namespace
}  // namespace perchild::content::move_rule_test
