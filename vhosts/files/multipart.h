// Several parts of a file in one response: multipart/byteranges (RFC 9110, 14.6).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vhosts/http1/byte_ranges.h"

namespace perchild::files {

// Text, then `length` bytes of the file from `offset` on. The last one's are none.
struct BodyPart {
  std::string text;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct Multipart {
  std::vector<BodyPart> parts;
  std::uint64_t length = 0;  // of everything
};

// `size`: of the file. `boundary` occurs in none of the parts: it is random.
Multipart multipart_of(std::span<const http1::ByteRange> ranges, std::uint64_t size,
                       std::string_view content_type, std::string_view boundary);

}  // namespace perchild::files
