// The head of a response as this server writes it for HTTP/1.1, taken apart into the fields of
// HTTP/2 (RFC 9113, 8.3.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vhosts/http1/request_head.h"

namespace perchild::http2 {

struct ResponseFields {
  std::string_view status;  // three digits
  // Names in lower case; without those that are about an HTTP/1.1 connection.
  std::vector<http1::Field> fields;
};

// Whether another head follows (RFC 9110, 15.2).
bool is_interim(std::string_view head);

// `head` is one that files::ResponseHead has made. It is changed, and the fields point into it.
ResponseFields split_response_head(std::string& head);

}  // namespace perchild::http2
