#include "vhosts/content/rules.h"

#include <gtest/gtest.h>

namespace perchild::content {
namespace {

Rules rules_of(const std::vector<ContentSettings>& settings) {
  std::vector<Layer> layers;
  for (const ContentSettings& one : settings) layers.push_back({.settings = &one});
  return Rules(layers);
}

TEST(Rules, ThePageOfOneStatusComesBeforeThatOfItsClass) {
  const Rules rules = rules_of({{.error_pages = {{4, "/4xx"}, {404, "/404"}}},
                                {.error_pages = {{410, ""}, {404, "/other"}}}});
  EXPECT_EQ(rules.error_page(404), "/other");
  EXPECT_EQ(rules.error_page(403), "/4xx");
  EXPECT_EQ(rules.error_page(410), "");
  EXPECT_EQ(rules.error_page(500), "");
}

TEST(Rules, TheCachingOfATypeComesBeforeThatOfItsKind) {
  const Rules rules =
      rules_of({{.caching = {{"*", "all"}, {"text/*", "text"}, {"text/css", "css"}}}});
  EXPECT_EQ(rules.caching_of("text/css; charset=utf-8"), "css");
  EXPECT_EQ(rules.caching_of("text/html"), "text");
  EXPECT_EQ(rules.caching_of("image/png"), "all");
  EXPECT_EQ(rules_of({{.caching = {{"text/*", "text"}}}}).caching_of("image/png"), "");
}

TEST(Rules, AListOfStatusesNamesThemAndTheirClasses) {
  const std::vector<std::uint16_t> statuses{404, 5};
  EXPECT_TRUE(names_status(statuses, 404));
  EXPECT_TRUE(names_status(statuses, 503));
  EXPECT_FALSE(names_status(statuses, 403));
  EXPECT_TRUE(names_status({}, 403));
}

TEST(Rules, AnIndexIsNoWayToAHiddenName) {
  const std::vector<std::string> names{"index.php", "index.html", "a.inc"};
  const auto index = [&](std::vector<std::string> deny) {
    const Rules rules = rules_of({{.index = names, .deny = std::move(deny)}});
    return std::vector<std::string>(rules.index().begin(), rules.index().end());
  };
  EXPECT_EQ(index({}), (std::vector<std::string>{"index.html", "a.inc"}));
  EXPECT_EQ(index({"!*.php", "*.inc"}), (std::vector<std::string>{"index.php", "index.html"}));
}

TEST(Rules, ASiteThatSaysNothingHasNothingToDo) {
  const Rules rules = rules_of({});
  EXPECT_FALSE(rules.edit_heads());
  EXPECT_FALSE(rules.lead_elsewhere());
  EXPECT_EQ(rules.content_types(), nullptr);
  EXPECT_TRUE(rules_of({{.etag = false}}).edit_heads());
}

}  // namespace
}  // namespace perchild::content
