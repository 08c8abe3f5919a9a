// The head of a CGI response (RFC 3875, 6), which FastCGI programs send as well. Pure functions on
// bytes; no allocation.
//
// Does not trust: the script.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "vhosts/gateway/field_scanner.h"

namespace perchild::gateway {

// What kind of response it is (RFC 3875, 6.2).
enum class CgiResponse : std::uint8_t {
  document,
  local_redirect,   // Location is a path of this site, and there is no Status: it is to be served
  client_redirect,  // Location is for the client
};

// A complete, valid head. Views point into the bytes that were parsed.
struct CgiHead {
  CgiResponse kind = CgiResponse::document;
  int status = 200;               // of Status; 302 if a client is redirected without one
  std::string_view reason;        // behind the number in Status; empty if absent
  std::string_view location;      // empty if absent
  std::string_view content_type;  // empty if absent
  std::optional<std::uint64_t> content_length;
  std::size_t length = 0;  // bytes of the head, with its empty line: the body begins there
};

// Parses one head as it arrives: feed it all bytes from the first one on, again and again with more
// of them at the end (the buffer may move between calls). What it says depends on the bytes alone,
// never on how they were split. Lines end in CRLF or LF (RFC 3875, 6.2).
class CgiHeadParser {
 public:
  enum class State : std::uint8_t { incomplete, complete, rejected };

  // Once complete or rejected it stays so until reset(). Bytes behind the head are left alone.
  State parse(std::string_view bytes);

  // There are no more bytes: what is incomplete is rejected.
  State finish();

  HeadReject reason() const { return reason_; }  // with State::rejected

  // With State::complete; `bytes` must be what parse() last saw.
  CgiHead head(std::string_view bytes) const;

  void reset() { *this = CgiHeadParser{}; }

 private:
  State reject(HeadReject reason);
  bool take_field(std::string_view bytes);
  bool take_once(HeadSlice& known);

  FieldScanner scanner_{FieldScanner::LineEnds::any};
  State state_ = State::incomplete;
  HeadReject reason_{};
  std::uint16_t status_ = 0;
  bool has_length_ = false;
  std::uint64_t content_length_ = 0;
  HeadSlice status_text_, location_, content_type_, length_text_;
};

// Whether a script's field is passed on as it is: all but Status and Content-Length, which are said
// anew, what is about a connection, and Date and Server, which are the server's.
bool is_passed_on_from_cgi(std::string_view name);

// Calls fn(http1::Field) for each field that is passed on as it is, in order: Content-Type and
// Location too. `bytes` begin with a head that CgiHeadParser found complete.
template <typename Fn>
void for_each_cgi_field(std::string_view bytes, Fn fn) {
  while (const auto field = next_answer_field(bytes)) {
    if (is_passed_on_from_cgi(field->name)) fn(*field);
  }
}

}  // namespace perchild::gateway
