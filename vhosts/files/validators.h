// What tells a client's copy of a file from the file as it is now (RFC 9110, 8.8).
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include "vhosts/files/file_facts.h"

namespace perchild::files {

// A strong entity tag with its quotes: "<mtime in ns, hex>-<size, hex>".
//
// Neither inode nor ctime is in it: a restored or mirrored file keeps its validity, and so do two
// machines behind one name. The price: two contents of one size and one mtime share a tag. Whoever
// sets mtime back (rsync, touch -r) can do that; so can two writes within one tick of a coarse
// kernel clock (10 ms at most).
class EntityTag {
 public:
  explicit EntityTag(const FileFacts& facts);
  std::string_view view() const { return {text_.data(), length_}; }

 private:
  std::array<char, 35> text_;
  std::uint8_t length_ = 0;
};

// The date for Last-Modified. None for a time before 1970, or after `now`: RFC 9110, 8.8.2.1
// forbids a date later than the response's own.
std::optional<::time_t> last_modified_of(const FileFacts& facts, ::time_t now);

// The conditions of a GET or HEAD, as sent; empty if absent.
struct Conditions {
  std::string_view if_none_match{};
  std::string_view if_modified_since{};
};

// Whether the client's copy is good, and 304 the answer (RFC 9110, 13.2.2). `tag`: of the file,
// with its quotes. If-None-Match, where present, decides alone.
bool is_not_modified(const Conditions& conditions, std::string_view tag, const FileFacts& facts,
                     ::time_t now);

}  // namespace perchild::files
