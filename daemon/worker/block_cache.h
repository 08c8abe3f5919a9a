// Memory for what is made and thrown away with every handshake: some three thousand blocks, which
// malloc(3) keeps too few of each size of at hand.
//
// Runs in: worker.
// Does not trust: its blocks' owner, to give each of them back once and to write into none
// afterwards: who does not is seen when the block is given back or taken, and the process ends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace perchild {

class BlockCache {
 public:
  // How much lies here unused at most: what some fifty handshakes under way have.
  static constexpr std::size_t most_kept = 4UL * 1024 * 1024;

  // `secret`: what marks blocks; random, so that nobody can make one who can only write.
  explicit BlockCache(std::uint64_t secret) : free_mark_(secret), taken_mark_(~secret) {}
  ~BlockCache() { release(); }
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // As malloc(3), realloc(3) and free(3). The block of its size that was given back last is still
  // in the processor's caches, and is the next one taken.
  void* take(std::size_t size);
  void* resize(void* memory, std::size_t size);
  void give_back(void* memory);
  // Returns all that lies here unused.
  void release();

  std::size_t kept() const { return kept_; }

 private:
  struct alignas(alignof(std::max_align_t)) Block {
    std::uint64_t mark;
    std::size_t size;  // behind it
    void* memory() { return this + 1; }
    Block*& next() { return *static_cast<Block**>(memory()); }  // while it is free
  };

  // Steps of 16 bytes, then four to each doubling. What is larger goes by malloc alone.
  static constexpr std::size_t least_step = 16;
  static constexpr std::size_t most_by_steps = 1024;
  static constexpr std::size_t largest = 32UL * 1024;
  static constexpr std::size_t steps = most_by_steps / least_step;
  static constexpr std::size_t doublings = 5;
  static_assert(most_by_steps << doublings == largest);

  static std::size_t class_of(std::size_t size);
  static std::size_t size_of(std::size_t number);
  Block* taken_block(void* memory) const;

  std::array<Block*, steps + 4 * doublings> free_{};
  std::size_t kept_ = 0;
  const std::uint64_t free_mark_;
  const std::uint64_t taken_mark_;
};

}  // namespace perchild
