// What tells a client's copy of a file from the file as it is now (RFC 9110, 8.8).
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include "vhosts/files/file_facts.h"
#include "vhosts/http1/request_head.h"

namespace perchild::files {

// A strong entity tag with its quotes: "<mtime in ns, hex>-<size, hex>", and "-<coding>" of a file
// that is encoded.
//
// Neither inode nor ctime is in it: a restored or mirrored file keeps its validity, and so do two
// machines behind one name. The price: two contents of one size and one mtime share a tag. Whoever
// sets mtime back (rsync, touch -r) can do that; so can two writes within one tick of a coarse
// kernel clock (10 ms at most).
class EntityTag {
 public:
  explicit EntityTag(const FileFacts& facts, std::string_view coding = {});
  std::string_view view() const { return {text_.data(), length_}; }

 private:
  std::array<char, 40> text_;
  std::uint8_t length_ = 0;
};

// The date for Last-Modified. None for a time before 1970, or after `now`: RFC 9110, 8.8.2.1
// forbids a date later than the response's own.
std::optional<::time_t> last_modified_of(const FileFacts& facts, ::time_t now);

// What the conditions of a request come to (RFC 9110, 13.2.2).
enum class Precondition : std::uint8_t {
  met,           // go on, as if there were none
  not_modified,  // 304: the client's copy is good
  failed,        // 412
};

// `head_bytes` begin with the request's head. `tag`: of the representation that would be sent,
// with its quotes. For requests that select a representation, which OPTIONS and TRACE do not, and
// that would be answered 2xx without their conditions.
Precondition evaluate(const http1::RequestHead& request, std::string_view head_bytes,
                      std::string_view tag, const FileFacts& facts, ::time_t now);

// Whether Range is to be honoured: If-Range is absent, or names exactly this representation (RFC
// 9110, 13.1.5).
bool range_still_applies(const http1::RequestHead& request, std::string_view tag,
                         const FileFacts& facts, ::time_t now);

}  // namespace perchild::files
