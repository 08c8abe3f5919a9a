// Bytes handed to another process that nobody can change any more: memfds with every seal on.
//
// Runs in: command (makes), master (makes, maps), router, worker (map).
// Does not trust: the sender, who could otherwise change or shrink the bytes under their reader.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// A sealed memfd that holds a copy of `bytes`, close-on-exec. `name` shows in /proc only.
Result<UniqueFd> make_sealed_memory(const std::string& name, std::string_view bytes);

// Sealed bytes mapped read-only for as long as this lives.
class SealedMapping {
 public:
  // An error if the descriptor is no memfd, lacks a seal, or is empty.
  static Result<SealedMapping> map(BorrowedFd memory);

  SealedMapping(SealedMapping&& other) noexcept;
  SealedMapping& operator=(SealedMapping&& other) noexcept;
  SealedMapping(const SealedMapping&) = delete;
  SealedMapping& operator=(const SealedMapping&) = delete;
  ~SealedMapping();

  std::string_view bytes() const { return {data_, size_}; }

 private:
  SealedMapping(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace perchild
