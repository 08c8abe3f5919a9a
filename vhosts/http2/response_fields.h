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

// Of a head: its three digits; and others in their place.
std::string_view status_of_head(std::string_view head);
void set_status_of_head(std::string& head, std::string_view status);

// `head` is one that files::ResponseHead has made. It is changed, and the fields point into it.
ResponseFields split_response_head(std::string& head);

}  // namespace perchild::http2
