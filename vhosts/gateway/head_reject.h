// Why the head of a program's answer is refused: of a script's, and of a backend's. The client gets
// 502, the site's error log the sentence.
#pragma once

#include <cstdint>
#include <string_view>

namespace perchild::gateway {

enum class HeadReject : std::uint8_t {
  nothing,      // the answer ended before its first byte
  ended_early,  // ... before its head did
  head_too_large,
  too_many_fields,
  bad_line_end,
  bad_field_name,
  bad_field_value,
  folded_field,
  no_fields,        // of a script, which must say at least one thing
  field_repeated,   // one that there must be one of
  bad_length,       // Content-Length is no number
  bad_status,       // of a script: not 200 to 599
  bad_location,     // of a script: an empty one
  bad_status_line,  // from here on of a backend
  bad_version,
  bad_encoding,  // Transfer-Encoding is not exactly "chunked", or stands where it must not
  length_and_encoding,
  too_many_options,  // of the connection
  not_asked_for,     // 101 to a request that did not ask for another protocol
};
std::string_view text_of(HeadReject reason);

}  // namespace perchild::gateway
