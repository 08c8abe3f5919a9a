#include "vhosts/files/file_index.h"

#include <cstring>
#include <utility>

#include "vhosts/files/file_cache.h"

namespace perchild::files {
namespace {

__extension__ typedef unsigned __int128 Uint128;

std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t FileIndex::hash(std::string_view path) const {
  // Odd constants from the digits of pi. The seed goes into every step, so that paths which collide
  // under one seed do not under another.
  constexpr std::uint64_t first = 0x243f'6a88'85a3'08d3;
  constexpr std::uint64_t second = 0x1319'8a2e'0370'7345;
  const std::uint64_t key = seed_ ^ first;
  std::uint64_t state = folded_product(key ^ path.size(), second);
  std::uint64_t word = 0;
  while (path.size() > sizeof word) {
    std::memcpy(&word, path.data(), sizeof word);
    state = folded_product(state ^ word, key ^ second);
    path.remove_prefix(sizeof word);
  }
  word = 0;
  if (!path.empty()) std::memcpy(&word, path.data(), path.size());
  state = folded_product(state ^ word, key ^ second);
  return folded_product(state ^ key, second);
}

CachedFile* FileIndex::find(std::string_view path) const {
  CachedFile* file = buckets_[bucket_of(path)];
  while (file != nullptr && file->path() != path) file = file->next_in_bucket_;
  return file;
}

void FileIndex::insert(CachedFile& file) {
  if (size_ == buckets_.size()) grow();
  CachedFile*& first = buckets_[bucket_of(file.path())];
  file.next_in_bucket_ = std::exchange(first, &file);
  ++size_;
}

void FileIndex::erase(const CachedFile& file) {
  CachedFile** place = &buckets_[bucket_of(file.path())];
  while (*place != &file) place = &(*place)->next_in_bucket_;
  *place = file.next_in_bucket_;
  --size_;
}

void FileIndex::grow() {
  std::vector<CachedFile*> before(2 * buckets_.size());
  before.swap(buckets_);
  for (CachedFile* file : before) {
    while (file != nullptr) {
      CachedFile* const next = file->next_in_bucket_;
      file->next_in_bucket_ = std::exchange(buckets_[bucket_of(file->path())], file);
      file = next;
    }
  }
}

}  // namespace perchild::files
