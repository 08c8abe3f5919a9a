#include "policy/path_template.h"

#include <gtest/gtest.h>

namespace perchild::test::path_template_test {
namespace {

PathTemplate parsed(std::string_view text) {
  PatternProblem problem;
  auto parsed = PathTemplate::parse(text, problem);
  EXPECT_TRUE(parsed) << problem.sentence;
  return std::move(*parsed);
}

Captures captured() {
  Captures captures{};
  captures[0] = "/old/a b";
  captures[1] = "a b";
  captures[2] = "/x?y&z";
  return captures;
}

struct Filled {
  std::string path;
  std::string address;
  std::string query;
  bool operator==(const Filled&) const = default;
};
Filled filled(std::string_view text) {
  const Captures captures = captured();
  const PathTemplate::Values values{.path = "/old/a b", .host = "a.example", .captures = captures};
  const PathTemplate target = parsed(text);
  return {target.path(values), target.address(values), target.query(values)};
}

TEST(PathTemplate, KnowsWhetherItsPathDependsOnTheRequests) {
  for (const char* text : {"{path}", "/a$1", "/{host}{path}?x"}) {
    EXPECT_TRUE(parsed(text).names_by_path()) << text;
  }
  for (const char* text : {"/index.php", "/$$1?p={path}&q=$1", "/{host}/index.php"}) {
    EXPECT_FALSE(parsed(text).names_by_path()) << text;
  }
}

TEST(PathTemplate, IsFilledAsItIsInPathsAndEncodedInAddresses) {
  EXPECT_EQ(filled("/new/$1.html"), (Filled{"/new/a b.html", "/new/a%20b.html", ""}));
  EXPECT_EQ(filled("{path}/"), (Filled{"/old/a b/", "/old/a%20b/", ""}));
  EXPECT_EQ(filled("https://{host}{path}").address, "https://a.example/old/a%20b");
  EXPECT_EQ(filled("/%41$$1").address, "/%41$1");
}

TEST(PathTemplate, WhatFillsAQueryCannotAddToIt) {
  EXPECT_EQ(filled("/p?id=$2&b=1"), (Filled{"/p", "/p", "id=/x%3Fy%26z&b=1"}));
  EXPECT_EQ(filled("/p?$1").query, "a%20b");
  EXPECT_TRUE(parsed("/p?").has_query());
  EXPECT_FALSE(parsed("/p").has_query());
}

TEST(PathTemplate, WhatFillsAnAddressCannotChooseTheHost) {
  Captures captures{};
  captures[1] = "/evil.example";
  const PathTemplate::Values values{.path = "/", .host = "", .captures = captures};
  EXPECT_EQ(parsed("/$1").address(values), "/evil.example");
  EXPECT_EQ(parsed("{path}$1/").address(values), "/evil.example/");
  EXPECT_EQ(parsed("/$1").path(values), "/evil.example");
  captures[1] = "\\evil.example\r\nX: y";
  EXPECT_EQ(parsed("/$1").address(values), "/%5Cevil.example%0D%0AX:%20y");
}

TEST(PathTemplate, PathsHaveNoEmptySegments) {
  EXPECT_EQ(filled("/a$2").path, "/a/x?y&z");
  EXPECT_EQ(filled("/a/$2").path, "/a/x?y&z");
  EXPECT_EQ(filled("a").path, "/a");
}

TEST(PathTemplate, ThatIsNoneSaysWhereAndWhy) {
  PatternProblem problem;
  EXPECT_FALSE(PathTemplate::parse("/a$", problem));
  EXPECT_EQ(problem.offset, 2U);
  EXPECT_EQ(problem.sentence, "a '$' wants a digit behind it, or another '$'");
  EXPECT_FALSE(PathTemplate::parse("/a b", problem));
  EXPECT_EQ(problem.offset, 2U);
  EXPECT_EQ(problem.sentence, "this character cannot stand here as it is");
  for (const char* text : {"/{uri}", "/a\"", "/\xc3\xa9", "/a\r\n", "/$x", "/{path"}) {
    EXPECT_FALSE(PathTemplate::parse(text, problem)) << text;
  }
}

}  // namespace
}  // namespace perchild::test::path_template_test
