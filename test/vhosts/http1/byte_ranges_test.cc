#include "vhosts/http1/byte_ranges.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::http1::byte_ranges_test {
namespace {

// "0-99 200-299", "whole" or "unsatisfiable".
std::string ranges_of(std::string_view field, std::uint64_t size = 1000) {
  const ByteRanges ranges(field, size);
  switch (ranges.outcome()) {
    case ByteRanges::Outcome::whole:
      EXPECT_TRUE(ranges.parts().empty());
      return "whole";
    case ByteRanges::Outcome::unsatisfiable:
      EXPECT_TRUE(ranges.parts().empty());
      return "unsatisfiable";
    case ByteRanges::Outcome::partial:
      break;
  }
  std::string text;
  for (const ByteRange& part : ranges.parts()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(part.first) + "-" + std::to_string(part.last);
  }
  return text;
}

TEST(ByteRanges, FirstLastAndSuffixAreUnderstood) {
  EXPECT_EQ(ranges_of("bytes=0-0"), "0-0");
  EXPECT_EQ(ranges_of("bytes=500-999"), "500-999");
  EXPECT_EQ(ranges_of("bytes=500-"), "500-999");
  EXPECT_EQ(ranges_of("bytes=-500"), "500-999");
  EXPECT_EQ(ranges_of("bytes=-1"), "999-999");
  EXPECT_EQ(ranges_of("BYTES=0-1"), "0-1") << "the unit's case does not matter";
}

TEST(ByteRanges, WhatReachesBehindTheEndIsCut) {
  EXPECT_EQ(ranges_of("bytes=900-1000"), "900-999");
  EXPECT_EQ(ranges_of("bytes=-5000"), "0-999");
  EXPECT_EQ(ranges_of("bytes=0-99999999999999999999999999"), "0-999");
  EXPECT_EQ(ranges_of("bytes=-99999999999999999999999999"), "0-999");
}

TEST(ByteRanges, WhatBeginsBehindTheEndCannotBeSatisfied) {
  EXPECT_EQ(ranges_of("bytes=1000-"), "unsatisfiable");
  EXPECT_EQ(ranges_of("bytes=1000-2000,3000-"), "unsatisfiable");
  EXPECT_EQ(ranges_of("bytes=99999999999999999999999999-"), "unsatisfiable");
  EXPECT_EQ(ranges_of("bytes=-0"), "unsatisfiable");
  EXPECT_EQ(ranges_of("bytes=2000-,0-9"), "0-9") << "one that can be is enough";
}

TEST(ByteRanges, ListsKeepTheirOrder) {
  EXPECT_EQ(ranges_of("bytes=0-0,-1"), "0-0 999-999");
  EXPECT_EQ(ranges_of("bytes= 500-599 ,\t0-9,, 700-"), "500-599 0-9 700-999");
}

TEST(ByteRanges, WhatIsMalformedOrOfAnotherUnitIsIgnored) {
  for (const char* field :
       {"",           "bytes",       "bytes=",        "bytes=,",       "bytes=-",    "bytes=a-b",
        "bytes=1",    "bytes=5-4",   "bytes=0-1,5-4", "bytes=0-1;2-3", "bytes=0 -1", "bytes=0- 1",
        "bytes=+0-1", "bytes=0x0-1", "bytes=--1",     "bytes=0-1-2",   "bytes 0-1",  "bytes =0-1",
        "lines=0-1",  "bytes=0-1,x"}) {
    EXPECT_EQ(ranges_of(field), "whole") << field;
  }
}

TEST(ByteRanges, NothingOfAnEmptyFileCanBeNamed) {
  EXPECT_EQ(ranges_of("bytes=0-", 0), "whole");
  EXPECT_EQ(ranges_of("bytes=-5", 0), "whole");
}

TEST(ByteRanges, TheLargestFileHasALastByte) {
  const std::uint64_t most = ~std::uint64_t{0};
  EXPECT_EQ(ranges_of("bytes=-1", most), "18446744073709551614-18446744073709551614");
}

std::string many(std::size_t count) {
  std::string field = "bytes=";
  for (std::size_t i = 0; i < count; ++i) {
    field += (i == 0 ? "" : ",") + std::to_string(10 * i) + "-" + std::to_string(10 * i);
  }
  return field;
}

TEST(ByteRanges, TooManyAreIgnored) {
  EXPECT_EQ(ByteRanges(many(max_ranges), 1000).parts().size(), max_ranges);
  EXPECT_EQ(ranges_of(many(max_ranges + 1)), "whole");
  EXPECT_EQ(ranges_of(many(max_ranges) + ",5000-"), "whole") << "the unsatisfiable count";
}

TEST(ByteRanges, MoreThanTwoThatOverlapAreIgnored) {
  EXPECT_EQ(ranges_of("bytes=0-9,5-14,20-29"), "0-9 5-14 20-29");
  EXPECT_EQ(ranges_of("bytes=0-,0-,0-"), "whole");
  EXPECT_EQ(ranges_of("bytes=0-9,5-14,14-29"), "whole");
  EXPECT_EQ(ranges_of("bytes=0-9,10-19,20-29"), "0-9 10-19 20-29") << "neighbours do not overlap";
}

}  // namespace
}  // namespace perchild::http1::byte_ranges_test
