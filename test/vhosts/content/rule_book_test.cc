#include "vhosts/content/rule_book.h"

#include <gtest/gtest.h>

namespace perchild::content::rule_book_test {
namespace {

using Kind = Location::Kind;

ContentSettings named(const std::string& name) {
  return {.index = {{name}}};
}

// Settings by whose index it is told which of them hold.
Content site(std::vector<Location> locations, const std::string& name = "site") {
  return {named(name), std::move(locations)};
}

std::string rules_at(const RuleBook& book, std::string_view path) {
  const RuleBook::Found found = book.find(path);
  return found.too_costly ? "<too costly>" : found.rules->index()[0];
}

TEST(RuleBook, TheSettingsOfTheInnermostPrefixHold) {
  const auto book =
      RuleBook::make(site({{Kind::prefix, "/a", named("a")}, {Kind::prefix, "/a/b", named("b")}}));
  ASSERT_TRUE(book);
  EXPECT_EQ(rules_at(*book, "/"), "site");
  EXPECT_EQ(rules_at(*book, "/ab"), "site");
  EXPECT_EQ(rules_at(*book, "/a"), "a");
  EXPECT_EQ(rules_at(*book, "/a/x"), "a");
  EXPECT_EQ(rules_at(*book, "/a/b/"), "b");
}

TEST(RuleBook, NamesTheLocationsOfAPathFromTheOutermostOn) {
  const auto book = RuleBook::make(
      site({{Kind::prefix, "/a/b", {}}, {Kind::prefix, "/a", {}}, {Kind::pattern, "y$", {}}}),
      {.settings = {},
       .locations = {{Kind::prefix, "/a", {}}, {Kind::exact, "/x", {}}, {Kind::pattern, "z|y", {}}},
       .owner_settings = {}});
  ASSERT_TRUE(book);
  using Names = std::vector<std::string>;
  EXPECT_EQ(book->locations_of("/"), Names());
  EXPECT_EQ(book->locations_of("/x"), Names({"exact /x of .perchild.json"}));
  EXPECT_EQ(book->locations_of("/a/b/y"),
            Names({"prefix /a", "prefix /a of .perchild.json", "prefix /a/b", "pattern y$",
                   "pattern z|y of .perchild.json"}));
}

TEST(RuleBook, WhatALocationLeavesOutIsThatOfThePrefixAroundIt) {
  const auto book = RuleBook::make(site({{Kind::prefix, "/a", named("a")},
                                         {Kind::prefix, "/a/b", {}},
                                         {Kind::exact, "/a/b/x", {}},
                                         {Kind::pattern, "y$", {}}}));
  ASSERT_TRUE(book);
  EXPECT_EQ(rules_at(*book, "/a/b/"), "a");
  EXPECT_EQ(rules_at(*book, "/a/b/x"), "a");
  EXPECT_EQ(rules_at(*book, "/a/b/y"), "a");
  EXPECT_EQ(rules_at(*book, "/y"), "site");
}

TEST(RuleBook, TheFirstPatternThatMatchesBeatsAnyPrefix) {
  const auto book = RuleBook::make(site({{Kind::prefix, "/a", named("a")},
                                         {Kind::pattern, "\\.png$", named("png")},
                                         {Kind::pattern, "^/a/.*g$", named("g")}}));
  ASSERT_TRUE(book);
  EXPECT_EQ(rules_at(*book, "/a/x.png"), "png");
  EXPECT_EQ(rules_at(*book, "/a/x.jpg"), "g");
  EXPECT_EQ(rules_at(*book, "/a/x.gif"), "a");
  EXPECT_EQ(rules_at(*book, "/x.png"), "png");
}

TEST(RuleBook, AnExactPathIsNotLookedAtByPatterns) {
  const auto book = RuleBook::make(
      site({{Kind::exact, "/a.png", named("exact")}, {Kind::pattern, "png", named("png")}}));
  ASSERT_TRUE(book);
  EXPECT_EQ(rules_at(*book, "/a.png"), "exact");
  EXPECT_EQ(rules_at(*book, "/a.png/"), "png");
}

TEST(RuleBook, TheOwnersSettingsFollowTheOperatorsOfTheSamePlace) {
  const auto book = RuleBook::make(
      site({{Kind::prefix, "/a", named("a")},
            {Kind::prefix, "/b", named("b")},
            {Kind::pattern, "x$", named("x")}}),
      site({{Kind::prefix, "/b", named("owner's b")}, {Kind::pattern, "y$", named("owner's y")}},
           "owner's"));
  ASSERT_TRUE(book);
  EXPECT_EQ(rules_at(*book, "/"), "owner's");
  EXPECT_EQ(rules_at(*book, "/a/"), "a");
  EXPECT_EQ(rules_at(*book, "/b/"), "owner's b");
  EXPECT_EQ(rules_at(*book, "/x"), "x");
  EXPECT_EQ(rules_at(*book, "/y"), "owner's y");
}

TEST(RuleBook, APathThatMakesAPatternCostlyHasNoRules) {
  const auto book = RuleBook::make(site({{Kind::pattern, "^(/a+)+$", named("a")}}));
  ASSERT_TRUE(book);
  EXPECT_EQ(rules_at(*book, "/aa"), "a");
  const auto hurt = RuleBook::make(site({{Kind::pattern, "^/(a+)+$", named("a")}}));
  ASSERT_TRUE(hurt);
  EXPECT_EQ(rules_at(*hurt, "/aaaa"), "a");
  EXPECT_EQ(rules_at(*hurt, "/" + std::string(64, 'a') + "!"), "<too costly>");
  EXPECT_EQ(rules_at(*hurt, "/aaaa"), "a");
}

TEST(RuleBook, APatternThatDoesNotCompileMakesNoBook) {
  EXPECT_FALSE(RuleBook::make(site({{Kind::pattern, "(", {}}})));
  EXPECT_FALSE(RuleBook::make(site({}), site({{Kind::pattern, "(", {}}})));
}

TEST(RuleBook, RulesOutliveTheirBook) {
  std::shared_ptr<const Rules> rules;
  {
    const auto book = RuleBook::make(site({{Kind::prefix, "/a", named("a")}}));
    ASSERT_TRUE(book);
    rules = book->find("/a/").rules;
  }
  EXPECT_EQ(rules->index()[0], "a");
}

}  // namespace
}  // namespace perchild::content::rule_book_test
