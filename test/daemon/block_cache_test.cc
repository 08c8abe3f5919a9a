// Blocks of every size: which are taken again, what is kept of them, and who misuses them.
#include "daemon/worker/block_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace perchild::test::block_cache_test {
namespace {

constexpr std::uint64_t secret = 0x5ec2'e7f0'0dca'fe11;

char* text(void* memory) {
  return static_cast<char*>(memory);
}

TEST(BlockCache, GivesAnyNumberOfBytesAnAlignedPlaceOfTheirOwn) {
  BlockCache cache(secret);
  std::vector<std::pair<char*, std::size_t>> blocks;
  for (std::size_t size = 1; size < 80'000; size += size < 1100 ? 1 : size / 7) {
    char* block = text(cache.take(size));
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u) << size;
    std::memset(block, static_cast<int>(size % 251), size);
    blocks.emplace_back(block, size);
  }
  for (const auto& [block, size] : blocks) {
    ASSERT_EQ(std::string(block, size), std::string(size, static_cast<char>(size % 251)));
    cache.give_back(block);
  }
}

TEST(BlockCache, TakesTheBlockOfItsSizeThatWasGivenBackLast) {
  BlockCache cache(secret);
  for (const std::size_t size : {1u, 16u, 1024u, 1025u, 1281u, 16'385u, 32'768u}) {
    void* first = cache.take(size);
    void* second = cache.take(size);
    cache.give_back(first);
    cache.give_back(second);
    EXPECT_GE(cache.kept(), 2 * size);
    EXPECT_EQ(cache.take(size), second) << size;
    EXPECT_EQ(cache.take(size), first) << size;
    EXPECT_EQ(cache.kept(), 0u);
    cache.give_back(first);
    cache.give_back(second);
    cache.release();
  }
}

TEST(BlockCache, NeverTakesABlockThatIsTooSmall) {
  BlockCache cache(secret);
  for (std::size_t size = 1; size <= 32'768; ++size) {
    char* small = text(cache.take(size));
    cache.give_back(small);
    char* larger = text(cache.take(size + 1));
    std::memset(larger, 'x', size + 1);  // the sanitizer's business, too
    void* grown = cache.resize(larger, size + 2);
    ASSERT_EQ(text(grown)[size], 'x') << size;
    cache.give_back(grown);
    cache.release();
  }
}

TEST(BlockCache, KeepsWhatWasWrittenWhenABlockGrows) {
  BlockCache cache(secret);
  void* block = nullptr;
  std::string written;
  for (std::size_t size = 3; size < 200'000; size = size * 2 + 1) {
    block = cache.resize(block, size);
    ASSERT_EQ(std::string(text(block), written.size()), written);
    written.assign(size, static_cast<char>('a' + size % 26));
    written.copy(text(block), size);
  }
  EXPECT_EQ(cache.resize(block, 0), nullptr);
  EXPECT_EQ(cache.take(0), nullptr);
  cache.give_back(nullptr);
}

TEST(BlockCache, KeepsNoMoreThanItsBound) {
  BlockCache cache(secret);
  constexpr std::size_t size = 20'000;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 2 * BlockCache::most_kept / size; ++i) {
    blocks.push_back(cache.take(size));
  }
  for (void* block : blocks) cache.give_back(block);
  EXPECT_LE(cache.kept(), BlockCache::most_kept);
  EXPECT_GT(cache.kept(), BlockCache::most_kept / 2);
  cache.release();
  EXPECT_EQ(cache.kept(), 0u);
}

TEST(BlockCache, EndsWhoeverGivesABlockBackTwice) {
  BlockCache cache(secret);
  void* block = cache.take(100);
  cache.give_back(block);
  EXPECT_DEATH(cache.give_back(block), "mark");
}

TEST(BlockCache, EndsWhoeverGivesBackWhatIsNoBlock) {
  BlockCache cache(secret);
  char* block = text(cache.take(100));
  std::memset(block, 0, 100);
  EXPECT_DEATH(cache.give_back(block + 32), "mark");
  cache.give_back(block);
}

// As a write into a block that has been given back would make it.
TEST(BlockCache, EndsWhenItsListLeadsToWhatIsNoBlock) {
  BlockCache cache(secret);
  char* block = text(cache.take(100));
  cache.give_back(block);
  const auto take_two = [&](bool forge) {
    alignas(16) static char forged[64] = {};
    void* elsewhere = forged;
    if (forge) std::memcpy(block, &elsewhere, sizeof elsewhere);
    void* first = cache.take(100);
    void* second = cache.take(100);
    cache.give_back(first);
    cache.give_back(second);
  };
  EXPECT_DEATH(take_two(true), "mark");
  take_two(false);
}

}  // namespace
}  // namespace perchild::test::block_cache_test
