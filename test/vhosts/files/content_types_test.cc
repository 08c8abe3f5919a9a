#include "vhosts/files/content_types.h"

#include <gtest/gtest.h>

namespace perchild::files::content_types_test {
namespace {

TEST(ContentTypes, TheSitesOwnComeBeforeThoseCompiledIn) {
  const ContentTypes types({{"md", "text/x-own"}, {"html", "application/x; a=b"}}, "utf-8");
  EXPECT_EQ(types.of("a/b.MD"), "text/x-own; charset=utf-8");
  EXPECT_EQ(types.of("a.html"), "application/x; a=b");
  EXPECT_EQ(types.of("a.png"), "image/png");
  EXPECT_EQ(types.of("md"), "application/octet-stream");
}

TEST(ContentTypes, TheCharsetIsThatOfTextOnly) {
  const ContentTypes types({{"x", "text/x"}, {"y", "text/y;charset=z"}}, "iso-8859-1");
  EXPECT_EQ(types.of("a.html"), "text/html; charset=iso-8859-1");
  EXPECT_EQ(types.of("b.html"), types.of("a.html"));
  EXPECT_EQ(types.of("a.x"), "text/x; charset=iso-8859-1");
  EXPECT_EQ(types.of("a.y"), "text/y;charset=z");
  EXPECT_EQ(types.of("a.png"), "image/png");
  EXPECT_EQ(ContentTypes({}, "").of("a.html"), "text/html");
}

}  // namespace
}  // namespace perchild::files::content_types_test
