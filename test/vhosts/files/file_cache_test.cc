#include "vhosts/files/file_cache.h"

#include <malloc.h>

#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include "test/vhosts/files/allocation_count.h"
#include "test/vhosts/files/cache_fixture.h"

namespace perchild::files::file_cache_test {
namespace {

using perchild::test::allocation_count;
using perchild::test::Disturber;

using FileCacheTest = CacheTest;

TEST_F(FileCacheTest, SmallFileIsAnsweredFromMemoryWithItsFields) {
  scratch_.write("root/page.html", "<p>page</p>");
  const Answer answer = get("page.html");
  ASSERT_TRUE(answer.cached.has_value());
  EXPECT_FALSE(answer.opened.fd.has_value());
  EXPECT_EQ(answer.cached->body(), "<p>page</p>");
  EXPECT_EQ(answer.cached->path(), "page.html");
  const std::string fields(answer.cached->lines().all());
  EXPECT_TRUE(fields.starts_with(
      "Content-Length: 11\r\nContent-Type: text/html; charset=utf-8\r\nLast-Modified: "))
      << fields;
  EXPECT_TRUE(fields.ends_with(
      "\r\nVary: Accept-Encoding\r\nETag: " + std::string(answer.cached->lines().tag()) + "\r\n"))
      << fields;
}

TEST_F(FileCacheTest, EmptyFileIsCached) {
  scratch_.write("root/empty.css", "");
  const Answer answer = get("empty.css");
  ASSERT_TRUE(answer.cached.has_value());
  EXPECT_EQ(answer.cached->body(), "");
}

TEST_F(FileCacheTest, FileIsCheckedOnceATurnAndReadOnce) {
  scratch_.write("root/page.html", "page");
  warm("page.html", "page.html");
  const FileCache::Counters before = cache_.counters();
  ++turn_;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(body_of(get("page.html")), "page");
  ++turn_;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(body_of(get("page.html")), "page");
  EXPECT_EQ(cache_.counters().checks, before.checks + 2);
  EXPECT_EQ(cache_.counters().hits, before.hits + 20);
  EXPECT_EQ(cache_.counters().reads, before.reads);
}

TEST_F(FileCacheTest, HitAllocatesNothingCheckedOrNot) {
  scratch_.write("root/dir/index.html", "page");
  warm("dir/", "dir/index.html");
  const std::size_t before = allocation_count();
  const bool same_turn = get("dir/").cached.has_value();
  const bool next_turn = get_next_turn("dir/").cached.has_value();
  EXPECT_EQ(allocation_count(), before);
  EXPECT_TRUE(same_turn && next_turn);
}

TEST_F(FileCacheTest, LargeFileIsHandedOverOpen) {
  scratch_.write("root/most", std::string(FileCache::largest_file, 'm'));
  scratch_.write("root/video.mp4", std::string(FileCache::largest_file + 1, 'v'));
  EXPECT_TRUE(get("most").cached.has_value());
  const Answer answer = get("video.mp4");
  EXPECT_FALSE(answer.cached.has_value());
  ASSERT_TRUE(answer.opened.fd.has_value());
  EXPECT_EQ(answer.opened.facts.size, FileCache::largest_file + 1);
  EXPECT_EQ(answer.content_type, "video/mp4");
}

TEST_F(FileCacheTest, IndexDecidesTheContentTypeOfADirectory) {
  scratch_.write("root/dir.css/index.html", "page");
  const Answer answer = get("dir.css/");
  ASSERT_TRUE(answer.cached.has_value());
  EXPECT_EQ(answer.index_name, "index.html");
  EXPECT_EQ(get("dir.css/").index_name, "index.html");
  EXPECT_NE(answer.cached->lines().all().find("text/html"), std::string_view::npos);
  EXPECT_EQ(get("dir.css/index.html").index_name, "");
}

TEST_F(FileCacheTest, WhatIsNoFileIsAnsweredAndNotCached) {
  scratch_.make_directory("root/bare");
  EXPECT_EQ(body_of(get("absent")), "<not found>");
  EXPECT_EQ(body_of(get("bare/")), "<directory>");
  EXPECT_EQ(body_of(get("bare")), "<directory>");
  EXPECT_EQ(body_of(get("../x")), "<forbidden>");
  EXPECT_EQ(cache_.files(), 0U);
  EXPECT_EQ(cache_.bytes(), 0U);
}

TEST_F(FileCacheTest, BoundOfBytesHoldsWithTenThousandFiles) {
  const FileCache::Bounds bounds{.bytes = 512 * 1024};
  FileCache cache(docroot_, bounds, seed, compression_);
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "file" + std::to_string(i);
    scratch_.write("root/" + name, std::string(static_cast<std::size_t>(i % 300), 'x'));
    ASSERT_TRUE(cache.get(name, {}, 1).cached.has_value());
    ASSERT_LE(cache.bytes(), bounds.bytes);
  }
  EXPECT_GT(cache.bytes(), bounds.bytes / 2);
  EXPECT_GT(cache.files(), 500U);
  EXPECT_EQ(cache.counters().evictions + cache.files(), 10'000U);
}

#ifndef PERCHILD_SANITIZE  // whose malloc keeps no such books
TEST_F(FileCacheTest, AccountedBytesCoverWhatMallocGives) {
  constexpr int count = 2'000;
  for (int i = 0; i < count; ++i) {
    scratch_.write("root/file" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
  }
  FileCache cache(docroot_, {.bytes = 64 * 1024 * 1024}, seed, compression_);
  const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  for (int i = 0; i < count; ++i) {
    std::array<char, 16> name{'f', 'i', 'l', 'e'};
    char* const end = std::to_chars(name.data() + 4, name.data() + name.size(), i).ptr;
    ASSERT_TRUE(cache.get({name.data(), end}, {}, 1).cached.has_value());
  }
  const std::size_t taken = ::mallinfo2().uordblks + ::mallinfo2().hblkhd - before;
  EXPECT_LE(taken, cache.bytes());
  EXPECT_GE(taken, cache.bytes() * 8 / 10);
}

TEST_F(FileCacheTest, LargerFilesTakeThePlaceOfSmallerOnes) {
  FileCache cache(docroot_, {.bytes = 1024 * 1024}, seed, compression_);
  std::size_t after_small = 0;
  for (const std::size_t size : {300u, 400u, 500u}) {
    for (int i = 0; i < 2'500; ++i) {
      const std::string name = std::to_string(size) + "-" + std::to_string(i);
      scratch_.write("root/" + name, std::string(size, 'x'));
      ASSERT_TRUE(cache.get(name, {}, 1).cached.has_value());
    }
    if (after_small == 0) after_small = ::mallinfo2().arena;
  }
  EXPECT_LE(::mallinfo2().arena, after_small + cache.bytes() / 10);
}
#endif

TEST_F(FileCacheTest, BoundOfFilesHoldsAndTheLeastRecentlyUsedGoes) {
  for (const char* name : {"a", "b", "c", "d"}) {
    scratch_.write("root/" + std::string(name), name);
  }
  FileCache cache(docroot_, {.bytes = 1024 * 1024, .files = 3}, seed, compression_);
  for (const char* name : {"a", "b", "c", "a", "d"}) {
    ASSERT_TRUE(cache.get(name, {}, 1).cached.has_value());
  }
  EXPECT_EQ(cache.files(), 3U);
  const std::uint64_t reads = cache.counters().reads;
  for (const char* name : {"a", "c", "d"}) ASSERT_TRUE(cache.get(name, {}, 1).cached.has_value());
  EXPECT_EQ(cache.counters().reads, reads);
  EXPECT_EQ(cache.get("b", {}, 1).cached->body(), "b");
  EXPECT_EQ(cache.counters().reads, reads + 1);
}

TEST_F(FileCacheTest, CacheWithoutRoomServesAllTheSame) {
  scratch_.write("root/page.html", "page");
  for (const FileCache::Bounds bounds :
       {FileCache::Bounds{.bytes = 0}, FileCache::Bounds{.bytes = 1024 * 1024, .files = 0}}) {
    FileCache cache(docroot_, bounds, seed, compression_);
    const Answer answer = cache.get("page.html", {}, 1);
    EXPECT_FALSE(answer.cached.has_value());
    EXPECT_EQ(body_of(answer), "page");
    EXPECT_EQ(cache.files(), 0U);
  }
}

TEST_F(FileCacheTest, PinnedFileOutlivesItsEvictionItsChangeAndTheCache) {
  scratch_.write("root/a", "first");
  scratch_.write("root/b", "second");
  Answer evicted;
  Answer changed;
  {
    FileCache cache(docroot_, {.bytes = 1024 * 1024, .files = 1}, seed, compression_);
    evicted = cache.get("a", {}, 1);
    changed = cache.get("b", {}, 1);
    scratch_.write("root/b", "other");
    EXPECT_EQ(cache.get("b", {}, 2).cached->body(), "other");
    EXPECT_EQ(cache.files(), 1U);
  }
  EXPECT_EQ(evicted.cached->body(), "first");
  EXPECT_EQ(changed.cached->body(), "second");
}

TEST_F(FileCacheTest, PinMovesWithItsOwner) {
  scratch_.write("root/a", "first");
  scratch_.write("root/b", "second");
  PinnedFile one = get("a").cached;
  PinnedFile two = get("b").cached;
  one = std::move(two);
  EXPECT_EQ(one->body(), "second");
  PinnedFile three(std::move(one));
  EXPECT_FALSE(one.has_value());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(three->body(), "second");
}

TEST_F(FileCacheTest, FreshlyChangedFileIsReadAgainEachTurnUntilItHasSettled) {
  // A machine that stands still for long enough lets the file settle in between: then once more.
  for (std::uint64_t seen_fresh = 0; seen_fresh < 3;) {
    const auto start = std::chrono::steady_clock::now();
    scratch_.write("root/page.html", "page");
    const std::uint64_t before = cache_.counters().reads;
    ASSERT_TRUE(get_next_turn("page.html").cached.has_value());
    ASSERT_EQ(body_of(get("page.html")), "page");
    const std::uint64_t in_first_turn = cache_.counters().reads - before;
    ASSERT_EQ(body_of(get_next_turn("page.html")), "page");
    const std::uint64_t in_both_turns = cache_.counters().reads - before;
    if (std::chrono::steady_clock::now() - start > std::chrono::milliseconds(80)) continue;
    EXPECT_EQ(in_first_turn, 1U) << "within one turn, once is enough";
    EXPECT_EQ(in_both_turns, 2U);
    ++seen_fresh;
  }
  warm("page.html", "page.html");
}

// Another process writes the file shorter and longer all the time.
TEST_F(FileCacheTest, LengthAndBodyAgreeWhileTheFileShrinksAndGrows) {
  const std::string full(60'000, 'a');
  scratch_.write("root/page.html", full);
  const std::string path = scratch_.path("root/page.html");
  const Disturber disturber([&] {
    if (::truncate(path.c_str(), 100) != 0) ::_exit(1);
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), full.data(), full.size()) < 0) ::_exit(1);
  });
  for (int i = 0; i < 5'000; ++i) {
    const Answer answer = get_next_turn("page.html");
    ASSERT_EQ(answer.opened.kind, Kind::file);
    if (!answer.cached.has_value()) {
      ASSERT_TRUE(answer.opened.fd.has_value());
      continue;
    }
    const std::string_view body = answer.cached->body();
    ASSERT_EQ(body.find_first_not_of('a'), std::string_view::npos);
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    ASSERT_NE(answer.cached->lines().all().find(length), std::string_view::npos);
  }
}

// Another process writes generation after generation, and marks each complete one by its mtime.
TEST_F(FileCacheTest, TagOfOneGenerationNeverComesWithTheBodyOfAnother) {
  constexpr int generations = 26;
  const auto body_of_generation = [](std::int64_t generation) {
    return std::string(FileCache::largest_file, static_cast<char>('a' + generation));
  };
  scratch_.write("root/page.html", body_of_generation(0));
  const UniqueFd file(::open(scratch_.path("root/page.html").c_str(), O_WRONLY | O_CLOEXEC));
  std::int64_t next = 0;
  const Disturber disturber([&] {
    next = (next + 1) % generations;
    const std::string body = body_of_generation(next);
    if (::pwrite(file.get(), body.data(), body.size(), 0) < 0) ::_exit(1);
    const ::timespec times[2] = {{next, 0}, {next, 0}};
    if (::futimens(file.get(), times) != 0) ::_exit(1);
  });
  int complete = 0;
  for (int i = 0; i < 20'000 || (complete == 0 && i < 2'000'000); ++i) {
    const Answer answer = get_next_turn("page.html");
    if (!answer.cached.has_value()) continue;
    const std::int64_t generation = answer.cached->facts().mtime.sec;
    if (generation >= generations) continue;  // not marked: still being written
    ASSERT_EQ(answer.cached->body(), body_of_generation(generation));
    ++complete;
  }
  EXPECT_GT(complete, 0);
}

}  // namespace
}  // namespace perchild::files::file_cache_test
