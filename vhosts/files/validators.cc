#include "vhosts/files/validators.h"

#include <charconv>

#include "vhosts/http1/date.h"
#include "vhosts/http1/etag.h"

namespace perchild::files {

EntityTag::EntityTag(const FileFacts& facts) {
  constexpr std::uint64_t ns_per_second = 1'000'000'000;
  // Unsigned, so that a time far from 1970 wraps round: a tag need not be read back.
  const std::uint64_t stamp = static_cast<std::uint64_t>(facts.mtime.sec) * ns_per_second +
                              static_cast<std::uint64_t>(facts.mtime.nsec);
  char* end = text_.data() + text_.size();
  char* at = text_.data();
  *at++ = '"';
  at = std::to_chars(at, end, stamp, 16).ptr;
  *at++ = '-';
  at = std::to_chars(at, end, facts.size, 16).ptr;
  *at++ = '"';
  length_ = static_cast<std::uint8_t>(at - text_.data());
}

std::optional<::time_t> last_modified_of(const FileFacts& facts, ::time_t now) {
  if (facts.mtime.sec < 0 || facts.mtime.sec > now) return std::nullopt;
  return facts.mtime.sec;
}

bool is_not_modified(const Conditions& conditions, std::string_view tag, const FileFacts& facts,
                     ::time_t now) {
  if (!conditions.if_none_match.empty()) {
    return http1::none_match_covers(conditions.if_none_match, tag);
  }
  if (conditions.if_modified_since.empty()) return false;
  // A file that is sent without Last-Modified has no date to compare.
  const auto modified = last_modified_of(facts, now);
  const auto since = http1::parse_date(conditions.if_modified_since, now);
  return modified.has_value() && since.has_value() && *modified <= *since;
}

}  // namespace perchild::files
