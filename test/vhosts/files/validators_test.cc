#include "vhosts/files/validators.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::files::validators_test {
namespace {

constexpr ::time_t year_2026 = 1'795'489'200;  // Tue, 24 Nov 2026 03:00:00 GMT
const FileFacts page{.size = 612, .mtime = {year_2026, 5}, .ctime = {year_2026, 6}};

std::string tag_of(const FileFacts& facts) {
  return std::string(EntityTag(facts).view());
}

TEST(EntityTagTest, IsStrongQuotedHexOfMtimeAndSize) {
  EXPECT_EQ(tag_of({.size = 0x264, .mtime = {1, 0xabc}}), "\"3b9ad4bc-264\"");
}

TEST(EntityTagTest, ChangesWithSizeAndWithTheLastNanosecond) {
  FileFacts other = page;
  other.size += 1;
  EXPECT_NE(tag_of(other), tag_of(page));
  other = page;
  other.mtime.nsec += 1;
  EXPECT_NE(tag_of(other), tag_of(page));
}

TEST(EntityTagTest, IsTheSameForACopyElsewhere) {
  FileFacts copy = page;
  copy.inode = 17;
  copy.device = 4;
  copy.ctime.sec += 100;
  EXPECT_EQ(tag_of(copy), tag_of(page));
}

TEST(EntityTagTest, LongestFits) {
  const FileFacts extreme{.size = ~std::uint64_t{0}, .mtime = {-1, 999'999'999}};
  EXPECT_EQ(tag_of(extreme), "\"ffffffffffffffff-ffffffffffffffff\"");
}

TEST(LastModifiedTest, IsNeverLaterThanTheResponse) {
  EXPECT_EQ(last_modified_of(page, year_2026), year_2026);
  EXPECT_EQ(last_modified_of(page, year_2026 - 1), std::nullopt);
  EXPECT_EQ(last_modified_of({.mtime = {-1, 0}}, year_2026), std::nullopt);
}

TEST(EntityTagTest, NamesTheCodingOfAnEncodedFile) {
  EXPECT_EQ(EntityTag({.size = 0x264, .mtime = {1, 0xabc}}, "br").view(), "\"3b9ad4bc-264-br\"");
  const FileFacts extreme{.size = ~std::uint64_t{0}, .mtime = {-1, 999'999'999}};
  EXPECT_EQ(EntityTag(extreme, "zstd").view(), "\"ffffffffffffffff-ffffffffffffffff-zstd\"");
}

// A request for the page, with its conditions.
class Asked {
 public:
  explicit Asked(const std::string& fields, const std::string& method = "GET")
      : bytes_(method + " / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") {
    EXPECT_EQ(parser_.parse(bytes_), http1::HeadParser::State::complete) << bytes_;
  }
  Precondition evaluated(const FileFacts& facts = page, ::time_t now = year_2026 + 1000) const {
    return evaluate(parser_.head(bytes_), bytes_, tag_of(facts), facts, now);
  }
  bool range_applies(const FileFacts& facts = page, ::time_t now = year_2026 + 1000) const {
    return range_still_applies(parser_.head(bytes_), tag_of(facts), facts, now);
  }

 private:
  std::string bytes_;
  http1::HeadParser parser_;
};

const std::string tag = tag_of(page);
const std::string before = "Tue, 24 Nov 2026 02:59:59 GMT\r\n";
const std::string exact = "Tue, 24 Nov 2026 03:00:00 GMT\r\n";
const std::string after = "Tue, 24 Nov 2026 03:00:01 GMT\r\n";

constexpr auto met = Precondition::met;
constexpr auto not_modified = Precondition::not_modified;
constexpr auto failed = Precondition::failed;

TEST(PreconditionTest, WithoutConditionsItIsMet) {
  EXPECT_EQ(Asked("").evaluated(), met);
}

TEST(PreconditionTest, IfNoneMatchFindsTheClientsCopyByItsTag) {
  EXPECT_EQ(Asked("If-None-Match: " + tag + "\r\n").evaluated(), not_modified);
  EXPECT_EQ(Asked("If-None-Match: \"x\", W/" + tag + "\r\n").evaluated(), not_modified);
  EXPECT_EQ(Asked("If-None-Match: *\r\n").evaluated(), not_modified);
  EXPECT_EQ(Asked("If-None-Match: \"x\"\r\n").evaluated(), met);
  EXPECT_EQ(Asked("If-None-Match: *\r\n", "HEAD").evaluated(), not_modified);
}

TEST(PreconditionTest, IfNoneMatchFailsWhatWouldChangeSomething) {
  EXPECT_EQ(Asked("If-None-Match: *\r\n", "PUT").evaluated(), failed);
  EXPECT_EQ(Asked("If-None-Match: " + tag + "\r\n", "DELETE").evaluated(), failed);
  EXPECT_EQ(Asked("If-None-Match: \"x\"\r\n", "PUT").evaluated(), met);
}

TEST(PreconditionTest, IfModifiedSinceComparesDates) {
  EXPECT_EQ(Asked("If-Modified-Since: " + before).evaluated(), met);
  EXPECT_EQ(Asked("If-Modified-Since: " + exact).evaluated(), not_modified);
  EXPECT_EQ(Asked("If-Modified-Since: " + after).evaluated(), not_modified);
  EXPECT_EQ(Asked("If-Modified-Since: yesterday\r\n").evaluated(), met);
  EXPECT_EQ(Asked("If-Modified-Since: " + after, "POST").evaluated(), met) << "GET and HEAD only";
  for (const std::string& second : {before, after}) {
    EXPECT_EQ(Asked("If-Modified-Since: " + after + "If-Modified-Since: " + second).evaluated(),
              met)
        << "several are none";
  }
}

TEST(PreconditionTest, IfNoneMatchDecidesBeforeIfModifiedSince) {
  EXPECT_EQ(Asked("If-None-Match: \"x\"\r\nIf-Modified-Since: " + after).evaluated(), met);
}

TEST(PreconditionTest, IfMatchNamesTheFileStrongly) {
  EXPECT_EQ(Asked("If-Match: " + tag + "\r\n").evaluated(), met);
  EXPECT_EQ(Asked("If-Match: \"x\", " + tag + "\r\n").evaluated(), met);
  EXPECT_EQ(Asked("If-Match: *\r\n").evaluated(), met);
  EXPECT_EQ(Asked("If-Match: \"x\"\r\n").evaluated(), failed);
  EXPECT_EQ(Asked("If-Match: W/" + tag + "\r\n").evaluated(), failed);
  EXPECT_EQ(Asked("If-Match: nonsense\r\n").evaluated(), failed);
  EXPECT_EQ(Asked("If-Match: \"x\"\r\n", "PUT").evaluated(), failed);
}

TEST(PreconditionTest, IfMatchMayComeInSeveralFields) {
  EXPECT_EQ(Asked("If-Match: \"x\"\r\nIf-Match: " + tag + "\r\n").evaluated(), met);
  EXPECT_EQ(Asked("If-Match: \"x\"\r\nIf-Match: \"y\"\r\n").evaluated(), failed);
}

TEST(PreconditionTest, IfUnmodifiedSinceFailsForALaterFile) {
  EXPECT_EQ(Asked("If-Unmodified-Since: " + before).evaluated(), failed);
  EXPECT_EQ(Asked("If-Unmodified-Since: " + exact).evaluated(), met);
  EXPECT_EQ(Asked("If-Unmodified-Since: never\r\n").evaluated(), met);
  EXPECT_EQ(Asked("If-Unmodified-Since: " + after + "If-Unmodified-Since: " + before).evaluated(),
            met)
      << "several are none";
}

TEST(PreconditionTest, TheOrderIsThatOfTheRfc) {
  // If-Match makes If-Unmodified-Since void; both go before If-None-Match.
  EXPECT_EQ(Asked("If-Match: " + tag + "\r\nIf-Unmodified-Since: " + before).evaluated(), met);
  EXPECT_EQ(Asked("If-Match: \"x\"\r\nIf-None-Match: *\r\n").evaluated(), failed);
  EXPECT_EQ(Asked("If-Unmodified-Since: " + before + "If-None-Match: *\r\n").evaluated(), failed);
  EXPECT_EQ(Asked("If-Match: " + tag + "\r\nIf-None-Match: " + tag + "\r\n").evaluated(),
            not_modified);
}

TEST(PreconditionTest, AFileOfTheFutureHasNoDateToCompare) {
  FileFacts ahead = page;
  ahead.mtime.sec += 500;
  const std::string later = "Tue, 24 Nov 2026 04:00:00 GMT\r\n";
  EXPECT_EQ(Asked("If-Modified-Since: " + later).evaluated(ahead, year_2026), met);
  EXPECT_EQ(Asked("If-Unmodified-Since: " + before).evaluated(ahead, year_2026), met);
}

TEST(IfRangeTest, TheTagMustBeEqualAndStrong) {
  EXPECT_TRUE(Asked("Range: bytes=0-1\r\n").range_applies());
  EXPECT_TRUE(Asked("If-Range: " + tag + "\r\n").range_applies());
  EXPECT_FALSE(Asked("If-Range: W/" + tag + "\r\n").range_applies());
  EXPECT_FALSE(Asked("If-Range: \"x\"\r\n").range_applies());
}

TEST(IfRangeTest, TheDateMustBeEqual) {
  EXPECT_TRUE(Asked("If-Range: " + exact).range_applies());
  EXPECT_FALSE(Asked("If-Range: " + before).range_applies());
  EXPECT_FALSE(Asked("If-Range: " + after).range_applies());
  EXPECT_FALSE(Asked("If-Range: " + exact).range_applies(page, year_2026)) << "it may change yet";
}

}  // namespace
}  // namespace perchild::files::validators_test
