#include "vhosts/gateway/head_reject.h"

#include "vhosts/gateway/field_scanner.h"

namespace perchild::gateway {

// As text_of() says.
static_assert(max_answer_head_bytes == 64 * 1024 && max_answer_fields == 128);

std::string_view text_of(HeadReject reason) {
  switch (reason) {
    case HeadReject::nothing:
      return "the answer is empty";
    case HeadReject::ended_early:
      return "the answer ended within its head";
    case HeadReject::head_too_large:
      return "the head of the answer is longer than 64 KiB";
    case HeadReject::too_many_fields:
      return "the answer has more than 128 fields";
    case HeadReject::bad_line_end:
      return "a line of the head does not end as it must";
    case HeadReject::bad_field_name:
      return "a line of the head is not a name, a colon and a value";
    case HeadReject::bad_field_value:
      return "a field of the head has a control character in it";
    case HeadReject::folded_field:
      return "a line of the head begins with whitespace";
    case HeadReject::no_fields:
      return "the head of the answer is empty";
    case HeadReject::field_repeated:
      return "there is more than one of Status, Location, Content-Type or Content-Length";
    case HeadReject::bad_length:
      return "Content-Length is not a decimal number";
    case HeadReject::bad_status:
      return "Status is not a number from 200 to 599";
    case HeadReject::bad_location:
      return "Location is empty";
    case HeadReject::bad_status_line:
      return "the status line is malformed";
    case HeadReject::bad_version:
      return "the answer is not HTTP/1.0 or HTTP/1.1";
    case HeadReject::bad_encoding:
      return "Transfer-Encoding is not exactly \"chunked\" in an HTTP/1.1 answer that has a body";
    case HeadReject::length_and_encoding:
      return "both Content-Length and Transfer-Encoding are present";
    case HeadReject::too_many_options:
      return "the Connection field of the answer names too many options";
    case HeadReject::not_asked_for:
      return "the answer changes to a protocol that was not asked for";
  }
  return "";
}

}  // namespace perchild::gateway
