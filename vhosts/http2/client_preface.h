// What a client's HTTP/2 begins with (RFC 9113, 3.4): by it a connection is known for one, where
// nothing else has said so.
#pragma once

#include <string_view>

namespace perchild::http2 {

inline constexpr std::string_view client_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace perchild::http2
