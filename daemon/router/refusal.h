// The few responses that the router gives itself, to connections that reach no site.
//
// Runs in: router.
#pragma once

#include <cstddef>
#include <ctime>
#include <span>
#include <string_view>

namespace perchild {

enum class WithBody : bool { no, yes };

// Writes a complete response, which says that the connection closes, into `buffer` (512 bytes are
// enough) and returns it. `retry_seconds` of 0 leaves Retry-After out.
std::string_view write_refusal(int status, WithBody body, unsigned retry_seconds, std::time_t now,
                               std::span<char, 512> buffer);

// The same for a site that its operator has suspended: 503 with a page for people.
std::string_view write_suspended(WithBody body, std::time_t now, std::span<char, 1024> buffer);

}  // namespace perchild
