#include "daemon/worker/block_cache.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "privsep/result.h"

namespace perchild {

// The smallest class that holds `size` bytes, of which there is at least one.
std::size_t BlockCache::class_of(std::size_t size) {
  if (size <= most_by_steps) return (size - 1) / least_step;
  const std::size_t last = size - 1;
  const auto exponent = static_cast<std::size_t>(std::bit_width(last)) - 1;
  constexpr auto first = static_cast<std::size_t>(std::bit_width(most_by_steps)) - 1;
  return steps + 4 * (exponent - first) + (last >> (exponent - 2) & 3);
}

std::size_t BlockCache::size_of(std::size_t number) {
  if (number < steps) return (number + 1) * least_step;
  const std::size_t quarters = 5 + (number - steps) % 4;
  return quarters * (most_by_steps / 4) << (number - steps) / 4;
}

BlockCache::Block* BlockCache::taken_block(void* memory) const {
  Block* block = static_cast<Block*>(memory) - 1;
  PERCHILD_ASSERT(block->mark == taken_mark_);
  return block;
}

void* BlockCache::take(std::size_t size) {
  if (size == 0) return nullptr;
  std::size_t room = size;
  if (size <= largest) {
    const std::size_t number = class_of(size);
    if (Block* block = free_[number]; block != nullptr) {
      PERCHILD_ASSERT(block->mark == free_mark_);
      block->mark = taken_mark_;
      free_[number] = block->next();
      kept_ -= block->size;
      return block->memory();
    }
    room = size_of(number);
  }
  if (room > SIZE_MAX - sizeof(Block)) return nullptr;
  auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + room));
  if (block == nullptr) return nullptr;
  block->mark = taken_mark_;
  block->size = room;
  return block->memory();
}

void* BlockCache::resize(void* memory, std::size_t size) {
  if (memory == nullptr) return take(size);
  if (size == 0) {
    give_back(memory);
    return nullptr;
  }
  const std::size_t room = taken_block(memory)->size;
  if (size <= room) return memory;
  void* larger = take(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, room);
  give_back(memory);
  return larger;
}

void BlockCache::give_back(void* memory) {
  if (memory == nullptr) return;
  Block* block = taken_block(memory);
  if (block->size > largest || kept_ + block->size > most_kept) {
    block->mark = 0;
    std::free(block);
    return;
  }
  block->mark = free_mark_;
  Block*& first = free_[class_of(block->size)];
  block->next() = first;
  first = block;
  kept_ += block->size;
}

void BlockCache::release() {
  for (Block*& first : free_) {
    while (Block* block = first) {
      PERCHILD_ASSERT(block->mark == free_mark_);
      first = block->next();
      std::free(block);
    }
  }
  kept_ = 0;
}

}  // namespace perchild
