#include "vhosts/files/multipart.h"

#include <utility>

namespace perchild::files {

Multipart multipart_of(std::span<const http1::ByteRange> ranges, std::uint64_t size,
                       std::string_view content_type, std::string_view boundary) {
  const std::string delimiter = "\r\n--" + std::string(boundary);
  Multipart body;
  const auto add = [&body](std::string text, std::uint64_t offset, std::uint64_t length) {
    body.length += text.size() + length;
    body.parts.push_back({std::move(text), offset, length});
  };
  body.parts.reserve(ranges.size() + 1);
  for (const http1::ByteRange& range : ranges) {
    add(delimiter + "\r\nContent-Type: " + std::string(content_type) + "\r\nContent-Range: bytes " +
            std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
            std::to_string(size) + "\r\n\r\n",
        range.first, range.length());
  }
  add(delimiter + "--\r\n", 0, 0);
  return body;
}

}  // namespace perchild::files
