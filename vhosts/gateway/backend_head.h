// The head of an HTTP/1 response, as a backend sends it to its proxy (RFC 9112, 4 and 6.3). Pure
// functions on bytes; no allocation.
//
// Does not trust: the backend. What two readers could delimit in two ways is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vhosts/gateway/connection_options.h"
#include "vhosts/gateway/field_scanner.h"

namespace perchild::gateway {

// How the response's body is delimited.
enum class AnswerFraming : std::uint8_t {
  none,  // there is none, whatever the fields say: HEAD, 1xx, 204, 304
  content_length,
  chunked,      // http1::ChunkedDecoder
  until_close,  // an end of the connection is the body's end
};

// What was asked, as far as the answer's meaning depends on it.
struct AskedOfBackend {
  bool head = false;     // by HEAD
  bool upgrade = false;  // the request named another protocol to change to
};

// A complete, valid head. Views point into the bytes that were parsed.
struct BackendHead {
  int status = 0;           // 100 to 599
  std::string_view reason;  // may be empty
  AnswerFraming framing = AnswerFraming::none;
  std::uint64_t content_length = 0;  // with AnswerFraming::content_length
  // With AnswerFraming::none, what Content-Length says of the body that is not sent, if it is
  // there.
  bool has_content_length = false;
  bool keep_alive = false;   // another request may be sent behind the body's end
  std::string_view upgrade;  // with status 101: the protocol
  std::size_t length = 0;    // bytes of the head, with its empty line

  // Another head follows, and then the answer.
  bool is_interim() const { return status < 200 && status != 101; }
};

// Parses one head as it arrives: feed it all bytes from the first one on, again and again with more
// of them at the end (the buffer may move between calls). What it says depends on the bytes alone,
// never on how they were split.
class BackendHeadParser {
 public:
  enum class State : std::uint8_t { incomplete, complete, rejected };

  explicit BackendHeadParser(AskedOfBackend asked) : asked_(asked) {}

  // Once complete or rejected it stays so until reset(). Bytes behind the head are left alone.
  State parse(std::string_view bytes);

  // There are no more bytes: what is incomplete is rejected.
  State finish();

  HeadReject reason() const { return reason_; }  // with State::rejected

  // With State::complete; `bytes` must be what parse() last saw.
  BackendHead head(std::string_view bytes) const;

  void reset() { *this = BackendHeadParser(asked_); }

 private:
  State reject(HeadReject reason);
  bool take_status_line(std::string_view bytes);
  bool take_field(std::string_view bytes);
  bool take_length(std::string_view value);
  bool take_encoding(std::string_view value);
  bool take_connection(std::string_view value);
  State finish_head();
  bool has_no_body() const;

  FieldScanner scanner_{FieldScanner::LineEnds::crlf};
  AskedOfBackend asked_;
  State state_ = State::incomplete;
  HeadReject reason_{};
  bool has_status_line_ = false;
  bool seen_any_ = false;
  bool is_old_ = false;  // HTTP/1.0
  bool has_length_ = false;
  bool is_chunked_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  std::uint16_t status_ = 0;
  std::uint64_t content_length_ = 0;
  std::size_t options_ = 0;  // that its Connection fields name
  HeadSlice phrase_, upgrade_;
};

// The field lines of a head, behind its first line.
std::string_view after_status_line(std::string_view head);

// What the Connection fields among `fields`, the field lines of a complete head, name.
ConnectionOptions connection_options_of(std::string_view fields);

// Whether a field is passed on as it is: neither what is about the connection, nor what its head's
// Connection fields name, nor Content-Length, which is said anew, nor Date and Server.
bool is_passed_on_from_backend(std::string_view name, const ConnectionOptions& options);

// Calls fn(http1::Field) for each field of `head`, which is complete, that is passed on as it is,
// in order.
template <typename Fn>
void for_each_backend_field(std::string_view head, Fn fn) {
  std::string_view rest = after_status_line(head);
  const ConnectionOptions options = connection_options_of(rest);
  while (const auto field = next_answer_field(rest)) {
    if (is_passed_on_from_backend(field->name, options)) fn(*field);
  }
}

}  // namespace perchild::gateway
