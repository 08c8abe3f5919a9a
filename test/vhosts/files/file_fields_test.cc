#include "vhosts/files/file_fields.h"

#include <gtest/gtest.h>

#include <string>

#include "vhosts/files/mime.h"

namespace perchild::files::file_fields_test {
namespace {

constexpr ::time_t year_2026 = 1'795'489'200;
const FileFacts page{.size = 612, .mtime = {1, 0}};

TEST(FileFieldsTest, PlainFileHasALengthAndAStrongTag) {
  const FileFields fields(page, {.content_type = "text/css", .length = 612}, year_2026);
  EXPECT_EQ(fields.lines().all(),
            "Content-Length: 612\r\n"
            "Content-Type: text/css\r\n"
            "Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
            "Accept-Ranges: bytes\r\n"
            "ETag: \"3b9aca00-264\"\r\n");
}

TEST(FileFieldsTest, EncodedFileNamesItsCodingInFieldAndTag) {
  const FileFields fields(
      page, {.content_type = "text/css", .length = 612, .coding = "br", .varies = true}, year_2026);
  EXPECT_EQ(fields.lines().without_type(),
            "Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
            "Accept-Ranges: bytes\r\n"
            "Content-Encoding: br\r\n"
            "Vary: Accept-Encoding\r\n"
            "ETag: \"3b9aca00-264-br\"\r\n");
}

TEST(FileFieldsTest, WhatIsMadeOnTheFlyHasAWeakTagAndNoRanges) {
  const FileFields fields(page,
                          {.content_type = "text/css",
                           .length = std::nullopt,
                           .coding = "gzip",
                           .varies = true,
                           .made_on_the_fly = true},
                          year_2026);
  EXPECT_EQ(fields.lines().all(),
            "Transfer-Encoding: chunked\r\n"
            "Content-Type: text/css\r\n"
            "Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
            "Content-Encoding: gzip\r\n"
            "Vary: Accept-Encoding\r\n"
            "ETag: W/\"3b9aca00-264\"\r\n");
}

TEST(FileFieldsTest, TailsAndValuesAreFound) {
  const FileFields fields(page, {.content_type = "text/css; x=y", .length = 612, .varies = true},
                          year_2026);
  const FieldLines lines = fields.lines();
  EXPECT_EQ(lines.without_length(), lines.all().substr(21));
  EXPECT_EQ(lines.for_304(), "Vary: Accept-Encoding\r\nETag: \"3b9aca00-264\"\r\n");
  EXPECT_EQ(lines.content_type(), "text/css; x=y");
  EXPECT_EQ(lines.tag(), "\"3b9aca00-264\"");
}

TEST(FileFieldsTest, DateOfTheFutureIsLeftOut) {
  const FileFields fields({.size = 1, .mtime = {year_2026 + 1, 0}},
                          {.content_type = "text/css", .length = 1}, year_2026);
  EXPECT_EQ(fields.lines().all().find("Last-Modified"), std::string_view::npos);
}

TEST(FileFieldsTest, LongestValuesFit) {
  const std::string type(longest_content_type, 't');
  const FileFacts largest{.size = ~std::uint64_t{0}, .mtime = {year_2026, 0}};
  const FileFields fields(
      largest, {.content_type = type, .length = largest.size, .coding = "zstd", .varies = true},
      year_2026);
  EXPECT_TRUE(fields.lines().all().ends_with("-ffffffffffffffff-zstd\"\r\n"));
}

}  // namespace
}  // namespace perchild::files::file_fields_test
