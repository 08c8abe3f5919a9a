#include "vhosts/content/rules.h"

#include <gtest/gtest.h>

namespace perchild::content::rules_test {
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

TEST(Rules, AHandlerTakesItsFilesAndTheLastThatFitsDoes) {
  const ContentSettings site{
      .handlers = {{"cgi", 0, {"cgi"}, {"/cgi-bin"}}, {"php", 1, {"php"}, {}}}};
  const Rules rules = rules_of({site});
  EXPECT_EQ(rules.handler_of_file("/a.html"), nullptr);
  EXPECT_EQ(rules.handler_of_file("/a/b.php")->program, 1u);
  EXPECT_EQ(rules.handler_of_file("/b.CGI")->program, 0u);
  EXPECT_EQ(rules.handler_of_file("/cgi-bin/a")->program, 0u);
  EXPECT_EQ(rules.handler_of_file("/cgi-bin/a.php")->program, 1u);
  EXPECT_EQ(rules.handler_of_file("/cgi-bin"), nullptr);
  EXPECT_EQ(rules.handler_of_file("/cgi-binary"), nullptr);
  EXPECT_EQ(rules.handler_of_all(), nullptr);
  EXPECT_FALSE(rules.hides("/b.php"));
  EXPECT_EQ(rules.index().back(), "index.php");
}

TEST(Rules, WhatTakesEveryPathEndsWhatRunsFilesAroundIt) {
  const ContentSettings site{.handlers = {{"php", 1, {"php"}, {}}}};
  const Rules app = rules_of({site, {.handlers = {{"app", 2, {}, {}}}}});
  EXPECT_EQ(app.handler_of_all()->program, 2u);
  EXPECT_TRUE(app.file_handlers().empty());
  const Rules within = rules_of({{.handlers = {{"app", 2, {}, {}}}}, site});
  EXPECT_EQ(within.handler_of_all()->program, 2u);
  EXPECT_EQ(within.handler_of_file("/a.php")->program, 1u);
  const Rules off = rules_of({site, {.handlers = {{"php", {}, {}, {}}}}});
  EXPECT_EQ(off.handler_of_file("/a.php"), nullptr);
  EXPECT_TRUE(off.hides("/a.php"));
}

TEST(Rules, WhereAProgramTakesEveryPathItComesLast) {
  const std::vector<HandlerSetting> app{{"app", 0, {}, {}}};
  const Rules rules = rules_of({{.try_paths = {{.fallback = "{path}"}}, .handlers = app}});
  ASSERT_NE(rules.try_rule(), nullptr);
  EXPECT_EQ(rules.try_rule()->paths.size(), 1u);
  EXPECT_FALSE(rules.try_rule()->fallback);
}

TEST(Rules, ASiteThatSaysNothingHasNothingToDo) {
  const Rules rules = rules_of({});
  EXPECT_FALSE(rules.edit_heads());
  EXPECT_FALSE(rules.lead_elsewhere());
  EXPECT_EQ(rules.content_types(), nullptr);
  EXPECT_TRUE(rules_of({{.etag = false}}).edit_heads());
}

}  // namespace
}  // namespace perchild::content::rules_test
