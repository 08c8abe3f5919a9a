#include "vhosts/http2/response_fields.h"

#include <algorithm>

#include "vhosts/http1/characters.h"
#include "vhosts/http2/connection_fields.h"

namespace perchild::http2 {
namespace {

constexpr std::size_t begin_of_status = std::string_view("HTTP/1.1 ").size();
constexpr std::size_t length_of_status = 3;

}  // namespace

std::string_view status_of_head(std::string_view head) {
  return head.substr(begin_of_status, length_of_status);
}

void set_status_of_head(std::string& head, std::string_view status) {
  head.replace(begin_of_status, length_of_status, status);
}

ResponseFields split_response_head(std::string& head) {
  ResponseFields response;
  response.status = status_of_head(head);
  response.fields.reserve(16);
  std::string_view rest = http1::after_request_line(head);
  while (const auto field = http1::next_field(rest)) {
    const auto begin = head.begin() + (field->name.data() - head.data());
    std::transform(begin, begin + static_cast<std::ptrdiff_t>(field->name.size()), begin,
                   http1::to_lower);
    if (!is_of_connection(field->name)) response.fields.push_back(*field);
  }
  return response;
}

}  // namespace perchild::http2
