#include "vhosts/http1/date.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>

namespace perchild::http1::date_test {
namespace {

constexpr std::time_t example = 784'111'777;  // the one of RFC 9110, 5.6.7
constexpr std::time_t now = 1'700'000'000;    // in 2023

std::string format(std::time_t time) {
  std::array<char, date_length> buffer;
  return std::string(format_date(time, buffer));
}

TEST(Date, IsFormattedAsImfFixdate) {
  EXPECT_EQ(format(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(format(951'782'400), "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST(Date, TimesThatDoNotFitAreTheFirstOrTheLast) {
  EXPECT_EQ(format(std::numeric_limits<std::time_t>::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format(std::numeric_limits<std::time_t>::min()), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(Date, AllThreeFormatsAreRead) {
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT", now), example);
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", now), example);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994", now), example);
  EXPECT_EQ(parse_date("Wed Nov 16 08:49:37 1994", now), example + 10 * 86'400);
}

TEST(Date, SecondSixtyIsTheNextMinute) {
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:60 GMT", now), example + 23);
}

TEST(Date, ATwoDigitYearIsAtMostFiftyYearsAhead) {
  // 2073 is fifty years ahead of `now`, 2074 is not, so that 74 means 1974.
  EXPECT_EQ(parse_date("Sunday, 01-Jan-73 00:00:00 GMT", now), 3'250'454'400);
  EXPECT_EQ(parse_date("Tuesday, 01-Jan-74 00:00:00 GMT", now), 126'230'400);
}

TEST(Date, WhatIsNotExactlyADateIsRefused) {
  for (const char* text : {"",
                           " ",
                           "Sun",
                           "Sun,",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "sun, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 nov 1994 08:49:37 GMT",
                           "Mon, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 06-Nov-1994 08:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sunday, 06 Nov 1994 08:49:37 GMT",
                           "Sunday, 06-Nov-1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Thu, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 06 Nov 1994 08.49.37 GMT",
                           "Sun, +6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov -994 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 94",
                           "Sunday Nov  6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 1994 GMT",
                           "Wed, 29 Feb 2023 00:00:00 GMT",
                           "0",
                           "784111777"}) {
    EXPECT_FALSE(parse_date(text, now).has_value()) << text;
  }
}

TEST(Date, NoTruncationOfADateIsADate) {
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      EXPECT_FALSE(parse_date(text.substr(0, size), now).has_value()) << text.substr(0, size);
    }
  }
}

RC_GTEST_PROP(Date, WhatIsFormattedIsReadBackAndAgreesWithTheCLibrary, ()) {
  const auto time = *rc::gen::inRange<std::time_t>(-62'167'219'200, 253'402'300'800);
  const std::string text = format(time);
  RC_ASSERT(parse_date(text, now) == time);
  std::tm parts{};
  RC_ASSERT(::gmtime_r(&time, &parts) != nullptr);
  char expected[64];
  (void)std::strftime(expected, sizeof expected, "%a, %d %b ", &parts);
  RC_ASSERT(text.starts_with(expected));
  (void)std::strftime(expected, sizeof expected, " %H:%M:%S GMT", &parts);
  RC_ASSERT(text.ends_with(expected));
}

}  // namespace
}  // namespace perchild::http1::date_test
