// What a site's configuration says about its content, as visitors see it.
#include <gtest/gtest.h>

#include "test/system/requests.h"

namespace perchild::test {
namespace {

TEST(Rules, PartsOfASiteHaveAnIndexOfTheirOwn) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"},
                                   {"docs/start.html", "docs"},
                                   {"docs/old/first.txt", "old"},
                                   {"docs-2/index.html", "docs-2"}},
                                  R"(, "locations": [
                                    {"prefix": "/docs/", "index": ["start.html"]},
                                    {"pattern": "/old/$", "index": ["first.txt"]}])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");
  EXPECT_EQ(get(server.port(), "a.example", "/docs/").body, "docs");
  EXPECT_EQ(get(server.port(), "a.example", "/docs/old/").body, "old");
  EXPECT_EQ(get(server.port(), "a.example", "/docs-2/").body, "docs-2");
}

TEST(Rules, APathThatMakesAPatternTooCostlyIsAnswered500AndLogged) {
  const Server server({.sites = {{"a.example",
                                  {{"index.html", "site"}},
                                  R"(, "locations": [{"pattern": "^/(a+)+$"}])"}}});
  EXPECT_EQ(get(server.port(), "a.example", "/" + std::string(64, 'a') + "!").status, 500);
  EXPECT_TRUE(error_log_has(server, 0, "a location's pattern takes too long to match"));
  EXPECT_EQ(get(server.port(), "a.example", "/").body, "site");
}

}  // namespace
}  // namespace perchild::test
