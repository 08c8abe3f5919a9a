#include "vhosts/files/validators.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "privsep/result.h"
#include "vhosts/http1/date.h"
#include "vhosts/http1/etag.h"

namespace perchild::files {

namespace {

constexpr std::size_t longest_coding = 4;  // "zstd", "gzip"

// If-Match, or else If-Unmodified-Since: the first two steps of RFC 9110, 13.2.2. A list may come
// in several fields.
bool may_proceed(std::string_view head_bytes, std::string_view tag, const FileFacts& facts,
                 ::time_t now) {
  bool has_match = false;
  bool is_named = false;
  std::string_view unmodified_since;
  int dates = 0;
  http1::for_each_field(head_bytes, [&](const http1::Field& field) {
    if (http1::equals_ignoring_case(field.name, "if-match")) {
      has_match = true;
      is_named = http1::match_names(field.value, tag) || is_named;
    } else if (http1::equals_ignoring_case(field.name, "if-unmodified-since")) {
      unmodified_since = field.value;
      ++dates;
    }
  });
  if (has_match) return is_named;
  // RFC 9110, 13.1.4: what is no date, or several, is ignored, as is the field where the file has
  // none.
  const auto modified = last_modified_of(facts, now);
  const auto since = http1::parse_date(unmodified_since, now);
  return dates != 1 || !modified || !since || *modified <= *since;
}

}  // namespace

EntityTag::EntityTag(const FileFacts& facts, std::string_view coding) {
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
  if (!coding.empty()) {
    PERCHILD_ASSERT(coding.size() <= longest_coding);
    *at++ = '-';
    at = std::copy(coding.begin(), coding.end(), at);
  }
  *at++ = '"';
  length_ = static_cast<std::uint8_t>(at - text_.data());
}

std::optional<::time_t> last_modified_of(const FileFacts& facts, ::time_t now) {
  if (facts.mtime.sec < 0 || facts.mtime.sec > now) return std::nullopt;
  return facts.mtime.sec;
}

Precondition evaluate(const http1::RequestHead& request, std::string_view head_bytes,
                      std::string_view tag, const FileFacts& facts, ::time_t now) {
  if (request.has_preconditions && !may_proceed(head_bytes, tag, facts, now)) {
    return Precondition::failed;
  }
  const bool reads = request.method == http1::Method::get || request.method == http1::Method::head;
  std::string split_list;
  std::string_view none_match = request.if_none_match;
  if (request.has_split_lists) {
    split_list = http1::whole_list(head_bytes, "if-none-match");
    none_match = split_list;
  }
  if (!none_match.empty()) {
    if (!http1::none_match_covers(none_match, tag)) return Precondition::met;
    return reads ? Precondition::not_modified : Precondition::failed;
  }
  if (!reads || request.if_modified_since.empty()) return Precondition::met;
  // A file that is sent without Last-Modified has no date to compare.
  const auto modified = last_modified_of(facts, now);
  const auto since = http1::parse_date(request.if_modified_since, now);
  const bool unchanged = modified.has_value() && since.has_value() && *modified <= *since;
  return unchanged ? Precondition::not_modified : Precondition::met;
}

bool range_still_applies(const http1::RequestHead& request, std::string_view tag,
                         const FileFacts& facts, ::time_t now) {
  if (request.if_range.empty()) return true;
  if (http1::matches_strongly(request.if_range, tag)) return true;
  // A date is compared for equality: a copy of another time is another copy. Within the second of
  // the last change it is no proof (RFC 9110, 8.8.2.2).
  const auto modified = last_modified_of(facts, now);
  const auto date = http1::parse_date(request.if_range, now);
  return modified.has_value() && date == modified && *modified < now;
}

}  // namespace perchild::files
