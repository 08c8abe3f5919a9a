// Finds cached files by their paths. What links them lies in the files themselves: index nodes of
// their own, made and freed beside the files, would stay between the holes that these leave, so
// that a larger file fits into none of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace perchild::files {

class CachedFile;

class FileIndex {
 public:
  // `seed` is random: with it nobody knows which paths share a bucket.
  explicit FileIndex(std::uint64_t seed) : seed_(seed), buckets_(fewest_buckets) {}

  std::size_t size() const { return size_; }
  CachedFile* find(std::string_view path) const;  // nullptr: none
  // A file whose path none of them has.
  void insert(CachedFile& file);
  // One of them.
  void erase(const CachedFile& file);

 private:
  static constexpr std::size_t fewest_buckets = 64;  // a power of two, as every number of them

  std::uint64_t hash(std::string_view path) const;
  std::size_t bucket_of(std::string_view path) const { return hash(path) & (buckets_.size() - 1); }
  void grow();

  const std::uint64_t seed_;
  std::vector<CachedFile*> buckets_;
  std::size_t size_ = 0;
};

}  // namespace perchild::files
