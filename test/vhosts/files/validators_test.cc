#include "vhosts/files/validators.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::files {
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

TEST(NotModifiedTest, FollowsTheTagThenTheDate) {
  constexpr ::time_t now = year_2026 + 1000;
  const std::string tag = tag_of(page);
  const std::string before = "Tue, 24 Nov 2026 02:59:59 GMT";
  const std::string exact = "Tue, 24 Nov 2026 03:00:00 GMT";
  const std::string after = "Tue, 24 Nov 2026 03:00:01 GMT";
  EXPECT_FALSE(is_not_modified({}, tag, page, now));
  EXPECT_TRUE(is_not_modified({.if_none_match = tag}, tag, page, now));
  EXPECT_TRUE(is_not_modified({.if_none_match = "\"x\", W/" + tag}, tag, page, now));
  EXPECT_TRUE(is_not_modified({.if_none_match = "*"}, tag, page, now));
  EXPECT_FALSE(is_not_modified({.if_none_match = "\"x\""}, tag, page, now));
  EXPECT_FALSE(is_not_modified({.if_modified_since = before}, tag, page, now));
  EXPECT_TRUE(is_not_modified({.if_modified_since = exact}, tag, page, now));
  EXPECT_TRUE(is_not_modified({.if_modified_since = after}, tag, page, now));
  EXPECT_FALSE(is_not_modified({.if_modified_since = "yesterday"}, tag, page, now));
}

TEST(NotModifiedTest, DateIsIgnoredWhereThereIsATag) {
  const std::string tag = tag_of(page);
  EXPECT_FALSE(is_not_modified(
      {.if_none_match = "\"x\"", .if_modified_since = "Tue, 24 Nov 2026 03:00:00 GMT"}, tag, page,
      year_2026 + 1000));
}

TEST(NotModifiedTest, FileOfTheFutureHasNoDateToCompare) {
  FileFacts ahead = page;
  ahead.mtime.sec += 500;
  EXPECT_FALSE(is_not_modified({.if_modified_since = "Tue, 24 Nov 2026 04:00:00 GMT"},
                               tag_of(ahead), ahead, year_2026));
}

}  // namespace
}  // namespace perchild::files
