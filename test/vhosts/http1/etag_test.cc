#include "vhosts/http1/etag.h"

#include <gtest/gtest.h>

namespace perchild::http1::etag_test {
namespace {

constexpr const char* ours = "\"abc\"";

TEST(IfNoneMatch, CoversAnEqualTagAnywhereInTheList) {
  for (const char* field : {"*", " * ", R"("abc")", R"(W/"abc")", R"("x", "abc")", R"("abc","x")",
                            R"("x","abc","y")", R"( "x" ,	W/"abc" )", R"(,, "abc",)",
                            "\"\x80\xff!\", \"abc\"", R"("", "abc")", R"("a,b", "abc")"}) {
    EXPECT_TRUE(none_match_covers(field, ours)) << field;
    EXPECT_TRUE(none_match_covers(field, R"(W/"abc")")) << field;
  }
}

TEST(IfNoneMatch, DoesNotCoverAnotherTag) {
  for (const char* field :
       {"", " ", ",", R"("")", R"("ab")", R"("abcd")", R"("ABC")", R"("x", "y")", R"("x,abc")"}) {
    EXPECT_FALSE(none_match_covers(field, ours)) << field;
  }
}

TEST(IfNoneMatch, AMalformedListCoversNothing) {
  for (const char* field :
       {"abc", R"("abc)", R"(abc")", R"("abc" "x")", R"("abc"x)", R"("abc", x)", R"("abc", *)",
        R"(*, "abc")", "**", R"(w/"abc")", R"(W/ "abc")", R"(W"abc")", R"(W/W/"abc")", "W/",
        R"("a b", "abc")", "\"a\tb\", \"abc\"", "\"abc\", \"\x7f\"", R"('abc')", R"("abc";"x")"}) {
    EXPECT_FALSE(none_match_covers(field, ours)) << field;
  }
}

TEST(IfMatch, NamesAnEqualStrongTagAnywhereInTheList) {
  for (const char* field : {"*", R"("abc")", R"("x", "abc")", R"(W/"x","abc")", R"(,"abc",)"}) {
    EXPECT_TRUE(match_names(field, ours)) << field;
  }
  for (const char* field : {"", R"("x")", R"(W/"abc")", "abc", R"("abc" "x")", R"("abc", x)"}) {
    EXPECT_FALSE(match_names(field, ours)) << field;
  }
  EXPECT_FALSE(match_names(R"(W/"abc")", R"(W/"abc")"));
}

TEST(IfRange, MatchesAnEqualStrongTagOnly) {
  EXPECT_TRUE(matches_strongly(ours, ours));
  for (const char* field : {"", "*", R"(W/"abc")", R"("abd")", R"("abc", "abc")", "abc"}) {
    EXPECT_FALSE(matches_strongly(field, ours)) << field;
  }
  EXPECT_FALSE(matches_strongly(R"(W/"abc")", R"(W/"abc")"));
  EXPECT_FALSE(matches_strongly("", ""));
}

}  // namespace
}  // namespace perchild::http1::etag_test
