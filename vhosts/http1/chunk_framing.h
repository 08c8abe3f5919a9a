// What stands around the pieces of a body that is sent in chunks (RFC 9112, 7.1). chunked.h reads
// it.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>

#include "vhosts/http1/chunked.h"

namespace perchild::http1 {

inline constexpr std::string_view end_of_chunk = "\r\n";
inline constexpr std::string_view end_of_chunks = "0\r\n\r\n";

using ChunkSizeLine = std::array<char, max_chunk_size_digits + end_of_chunk.size()>;

// In front of a chunk of `size` bytes, which is not 0. The text is in `line`.
inline std::string_view chunk_size_line(std::size_t size, ChunkSizeLine& line) {
  char* const digits_end =
      std::to_chars(line.data(), line.data() + max_chunk_size_digits, size, 16).ptr;
  const auto digits = static_cast<std::size_t>(digits_end - line.data());
  return {line.data(), digits + end_of_chunk.copy(digits_end, end_of_chunk.size())};
}

}  // namespace perchild::http1
