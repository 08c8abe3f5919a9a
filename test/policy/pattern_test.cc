#include "policy/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::test::pattern_test {
namespace {

Pattern compiled(std::string_view text) {
  PatternProblem problem;
  auto pattern = Pattern::compile(text, problem);
  EXPECT_TRUE(pattern) << problem.sentence;
  return std::move(*pattern);
}

MatchOutcome outcome_of(std::string_view pattern, std::string_view subject) {
  Captures captures;
  return PatternMatcher().match(compiled(pattern), subject, captures);
}

TEST(Pattern, CapturesWhatItsGroupsMatch) {
  const Pattern pattern = compiled("^/(\\d+)/(x)?(.*)$");
  EXPECT_EQ(pattern.groups(), 3U);
  Captures captures;
  captures.fill("left over");
  ASSERT_EQ(PatternMatcher().match(pattern, "/12/abc", captures), MatchOutcome::matched);
  EXPECT_EQ(captures[0], "/12/abc");
  EXPECT_EQ(captures[1], "12");
  EXPECT_EQ(captures[2], "") << "a group that took no part";
  EXPECT_EQ(captures[3], "abc");
  EXPECT_EQ(captures[4], "") << "a group that there is not";
}

TEST(Pattern, OnlyTheFirstNineGroupsAreKept) {
  Captures captures;
  ASSERT_EQ(PatternMatcher().match(compiled("(1)(2)(3)(4)(5)(6)(7)(8)(9)(0)(a)"), "1234567890a",
                                   captures),
            MatchOutcome::matched);
  EXPECT_EQ(captures[9], "9");
}

TEST(Pattern, MatchesBytesWhateverTheyAre) {
  EXPECT_EQ(outcome_of("^/.$", "/\xff"), MatchOutcome::matched);
  EXPECT_EQ(outcome_of("^/..$", "/\xc3\xa9"), MatchOutcome::matched);
  EXPECT_EQ(outcome_of("^/a$", "/a\n"), MatchOutcome::not_matched);
}

TEST(Pattern, ThatNeedsTooManyStepsIsGivenUp) {
  const std::string subject = std::string(40, 'a') + "!";
  EXPECT_EQ(outcome_of("^(a+)+$", subject), MatchOutcome::too_costly);
  EXPECT_EQ(outcome_of("^(a+)+!$", subject), MatchOutcome::matched);
}

TEST(Pattern, CannotRaiseItsOwnLimits) {
  const std::string subject = std::string(40, 'a') + "!";
  EXPECT_EQ(outcome_of("(*LIMIT_MATCH=4000000000)^(a+)+$", subject), MatchOutcome::too_costly);
}

TEST(Pattern, ThatIsNoneSaysWhereAndWhy) {
  PatternProblem problem;
  EXPECT_FALSE(Pattern::compile("ab[c", problem));
  EXPECT_EQ(problem.offset, 4U);
  EXPECT_EQ(problem.sentence, "missing terminating ] for character class");
  EXPECT_FALSE(Pattern::compile(std::string(longest_pattern + 1, 'a'), problem));
  EXPECT_EQ(problem.sentence, "it is longer than 1024 bytes");
  EXPECT_FALSE(Pattern::compile(std::string(60, '(') + std::string(60, ')'), problem));
  EXPECT_FALSE(Pattern::compile("(((a{1000}){1000}){1000}){1000}", problem));
}

}  // namespace
}  // namespace perchild::test::pattern_test
