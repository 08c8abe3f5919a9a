// The few responses that the router gives itself, to connections that reach no site.
//
// Runs in: router.
#pragma once

#include <array>
#include <ctime>
#include <string_view>

#include "vhosts/tls/alert.h"

namespace perchild {

enum class WithBody : bool { no, yes };

// Enough for any of the responses.
using RefusalBuffer = std::array<char, 2048>;

// Writes a complete response, which says that the connection closes, into `buffer` and returns it.
// `retry_seconds` of 0 leaves Retry-After out.
std::string_view write_refusal(int status, WithBody body, unsigned retry_seconds, std::time_t now,
                               RefusalBuffer& buffer);

// The same for a site that its operator has suspended: 503 with a page that says so.
std::string_view write_suspended(WithBody body, std::time_t now, RefusalBuffer& buffer);

// What stands for such a response where TLS is spoken: a page would have to be said with a site's
// key.
tls::Alert alert_for(int status);

}  // namespace perchild
