// Encoded forms of cached files.
#include <unistd.h>

#include <string>

#include "test/vhosts/files/cache_fixture.h"
#include "test/vhosts/files/decoded.h"

namespace perchild::files::file_cache_encoded_test {
namespace {

constexpr ::time_t now = 1'795'489'200;

std::string page_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += "<p>" + std::to_string(i * 7919) + "\n";
  return text;
}

class FileCacheEncodedTest : public CacheTest {};

TEST_F(FileCacheEncodedTest, AFormIsMadeOnceAndHasItsOwnFields) {
  const std::string page = page_of(8000);
  scratch_.write("root/page.html", page);
  const Answer answer = get("page.html");
  ASSERT_TRUE(answer.cached.has_value());
  EXPECT_TRUE(answer.cached->is_negotiated());
  const PinnedFile first = cache_.encoded(answer.cached, ContentCoding::gzip, now);
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(test::gunzip(first->body()) == page);
  const std::string lines(first->lines().all());
  EXPECT_TRUE(
      lines.starts_with("Content-Length: " + std::to_string(first->body().size()) + "\r\n"));
  EXPECT_NE(lines.find("\r\nContent-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_EQ(first->lines().tag(), "W/" + std::string(answer.cached->lines().tag()));
  EXPECT_EQ(first->lines().content_type(), answer.cached->lines().content_type());

  const PinnedFile second = cache_.encoded(answer.cached, ContentCoding::gzip, now);
  EXPECT_EQ(&*second, &*first);
  const PinnedFile other = cache_.encoded(answer.cached, ContentCoding::br, now);
  ASSERT_TRUE(other.has_value());
  EXPECT_TRUE(test::unbrotli(other->body()) == page);
}

TEST_F(FileCacheEncodedTest, ItCountsAndGoesWithItsFile) {
  scratch_.write("root/page.html", page_of(8000));
  const std::size_t empty = cache_.bytes();
  {
    const Answer answer = get("page.html");
    const std::size_t plain = cache_.bytes();
    const PinnedFile form = cache_.encoded(answer.cached, ContentCoding::gzip, now);
    EXPECT_GE(cache_.bytes(), plain + form->body().size());
  }
  scratch_.write("root/page.html", "short");
  const Answer changed = get_next_turn("page.html");
  EXPECT_EQ(changed.cached->body(), "short");
  EXPECT_FALSE(cache_.encoded(changed.cached, ContentCoding::gzip, now).has_value());
  ASSERT_EQ(::unlink(scratch_.path("root/page.html").c_str()), 0);
  EXPECT_EQ(body_of(get_next_turn("page.html")), "<not found>");
  EXPECT_EQ(cache_.bytes(), empty);
}

TEST_F(FileCacheEncodedTest, AChangedFileIsEncodedAnew) {
  scratch_.write("root/page.html", page_of(8000));
  const PinnedFile old = cache_.encoded(get("page.html").cached, ContentCoding::gzip, now);
  const std::string changed = page_of(9000);
  scratch_.write("root/page.html", changed);
  const PinnedFile fresh =
      cache_.encoded(get_next_turn("page.html").cached, ContentCoding::gzip, now);
  EXPECT_TRUE(test::gunzip(fresh->body()) == changed);
  EXPECT_TRUE(test::gunzip(old->body()) == page_of(8000)) << "a response still sends it";
}

TEST_F(FileCacheEncodedTest, WhatGainsNothingIsNotKept) {
  scratch_.write("root/tiny.txt", "abc");
  const Answer answer = get("tiny.txt");
  const std::size_t before = cache_.bytes();
  EXPECT_FALSE(cache_.encoded(answer.cached, ContentCoding::br, now).has_value());
  EXPECT_EQ(cache_.bytes(), before);
}

TEST_F(FileCacheEncodedTest, TheBoundHoldsWithAllForms) {
  const FileCache::Bounds bounds{.bytes = 64 * 1024};
  FileCache cache(docroot_, bounds, seed, compression_);
  for (int i = 0; i < 100; ++i) {
    const std::string name = "page" + std::to_string(i) + ".html";
    scratch_.write("root/" + name, page_of(9000));
    const Answer answer = cache.get(name, {}, turn_);
    ASSERT_TRUE(answer.cached.has_value());
    for (const ContentCoding coding : {ContentCoding::gzip, ContentCoding::br}) {
      EXPECT_TRUE(cache.encoded(answer.cached, coding, now).has_value());
      EXPECT_LE(cache.bytes(), bounds.bytes);
    }
  }
  EXPECT_GT(cache.counters().evictions, 0u);
}

TEST_F(FileCacheEncodedTest, WhatDoesNotFitIsMadeForOneResponse) {
  const std::string page = page_of(9000);
  scratch_.write("root/page.html", page);
  FileCache cache(docroot_, {.bytes = page.size() + 1024}, seed, compression_);
  const Answer answer = cache.get("page.html", {}, turn_);
  ASSERT_TRUE(answer.cached.has_value());
  const std::size_t before = cache.bytes();
  const PinnedFile form = cache.encoded(answer.cached, ContentCoding::gzip, now);
  ASSERT_TRUE(form.has_value());
  EXPECT_TRUE(test::gunzip(form->body()) == page);
  EXPECT_EQ(cache.bytes(), before);
}

TEST_F(FileCacheEncodedTest, AMissingSiblingIsRememberedForThatSecond) {
  scratch_.write("root/page.html", "page");
  const Answer answer = get("page.html");
  EXPECT_FALSE(answer.cached->lacks_precompressed(ContentCoding::br, now));
  answer.cached->note_lack(ContentCoding::br, now);
  EXPECT_TRUE(answer.cached->lacks_precompressed(ContentCoding::br, now));
  EXPECT_FALSE(answer.cached->lacks_precompressed(ContentCoding::gzip, now));
  EXPECT_FALSE(answer.cached->lacks_precompressed(ContentCoding::br, now + 1));
}

}  // namespace
}  // namespace perchild::files::file_cache_encoded_test
