// Entity tags (RFC 9110, 8.8.3) and the fields that name them.
#pragma once

#include <string_view>

namespace perchild::http1 {

// Whether an If-None-Match value covers the file whose tag is `tag` (`"x"` or `W/"x"`): "*", or a
// list with an equal tag by weak comparison (RFC 9110, 13.1.2). A value that is malformed anywhere
// covers nothing, so that the client gets the file.
bool none_match_covers(std::string_view if_none_match, std::string_view tag);

// Whether an If-Match value names the file whose tag is `tag`: "*", or a list with an equal tag by
// strong comparison (RFC 9110, 13.1.1). A value that is malformed anywhere names nothing, so that
// nothing is done on the strength of it.
bool match_names(std::string_view if_match, std::string_view tag);

// Whether If-Range's entity tag is `tag` by strong comparison: neither is weak (RFC 9110, 13.1.5).
bool matches_strongly(std::string_view if_range, std::string_view tag);

}  // namespace perchild::http1
