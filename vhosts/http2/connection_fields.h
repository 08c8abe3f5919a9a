// Fields that are about an HTTP/1.1 connection, which HTTP/2 must not have (RFC 9113, 8.2.2).
#pragma once

#include <string_view>

namespace perchild::http2 {

// `name` is in lower case.
constexpr bool is_of_connection(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "upgrade" ||
         name == "keep-alive" || name == "proxy-connection";
}

}  // namespace perchild::http2
