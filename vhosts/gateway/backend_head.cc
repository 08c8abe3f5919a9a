#include "vhosts/gateway/backend_head.h"

#include <algorithm>

#include "vhosts/http1/characters.h"

namespace perchild::gateway {
namespace {

// "HTTP/1.1 200 OK": where its parts are (RFC 9112, 4).
constexpr std::string_view protocol = "HTTP/1.";
constexpr std::size_t minor_version = 7;
constexpr std::size_t status_begin = 9;
constexpr std::size_t status_end = 12;
constexpr std::size_t reason_begin = 13;

constexpr int switching_protocols = 101;
constexpr int no_content = 204;
constexpr int not_modified = 304;

constexpr bool is_reason_byte(char c) {
  return c == '\t' || !http1::is_control(c);
}

}  // namespace

BackendHeadParser::State BackendHeadParser::parse(std::string_view bytes) {
  seen_any_ = seen_any_ || !bytes.empty();
  if (state_ == State::incomplete && !has_status_line_ && !take_status_line(bytes)) return state_;
  while (state_ == State::incomplete) {
    switch (scanner_.next(bytes)) {
      case FieldScanner::State::incomplete:
        return state_;
      case FieldScanner::State::rejected:
        return reject(scanner_.reason());
      case FieldScanner::State::field:
        if (!take_field(bytes)) return state_;
        break;
      case FieldScanner::State::end:
        return finish_head();
    }
  }
  return state_;
}

BackendHeadParser::State BackendHeadParser::finish() {
  if (state_ != State::incomplete) return state_;
  return reject(seen_any_ ? HeadReject::ended_early : HeadReject::nothing);
}

BackendHeadParser::State BackendHeadParser::reject(HeadReject reason) {
  reason_ = reason;
  return state_ = State::rejected;
}

// False while it is incomplete, or if it is refused. It is short, so it is read again from its
// first byte when more of it comes; each byte is judged as soon as it is there.
bool BackendHeadParser::take_status_line(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, max_answer_head_bytes);
  for (std::size_t at = 0; at < std::min(window.size(), reason_begin); ++at) {
    const char c = window[at];
    if (at < minor_version && c != protocol[at]) return reject(HeadReject::bad_version), false;
    if (at == minor_version && c != '0' && c != '1') return reject(HeadReject::bad_version), false;
    const bool is_status = at >= status_begin && at < status_end;
    const bool is_blank = at == status_begin - 1;
    if (is_status && !http1::is_digit(c)) return reject(HeadReject::bad_status_line), false;
    if (at == status_begin && (c < '1' || c > '5')) {
      return reject(HeadReject::bad_status_line), false;
    }
    if (is_blank && c != ' ') return reject(HeadReject::bad_status_line), false;
    // Behind the status there is a blank, or, forgiven, the end of the line.
    if (at == status_end && c == '\r') break;
    if (at == status_end && c != ' ') return reject(HeadReject::bad_status_line), false;
  }
  if (window.size() <= status_end) return false;
  std::size_t end = window[status_end] == '\r' ? status_end : reason_begin;
  while (end < window.size() && is_reason_byte(window[end])) ++end;
  if (end == max_answer_head_bytes) return reject(HeadReject::head_too_large), false;
  if (end == window.size()) return false;
  if (window[end] != '\r') return reject(HeadReject::bad_status_line), false;
  if (end + 1 == max_answer_head_bytes) return reject(HeadReject::head_too_large), false;
  if (end + 1 == window.size()) return false;
  if (window[end + 1] != '\n') return reject(HeadReject::bad_line_end), false;

  has_status_line_ = true;
  is_old_ = window[minor_version] == '0';
  for (const char c : window.substr(status_begin, status_end - status_begin)) {
    status_ = static_cast<std::uint16_t>(status_ * 10 + (c - '0'));
  }
  if (end > reason_begin) {
    phrase_ = {reason_begin, static_cast<std::uint32_t>(end - reason_begin)};
  }
  scanner_.begin_at(end + 2);
  return true;
}

// False if the field is refused.
bool BackendHeadParser::take_field(std::string_view bytes) {
  const std::string_view name = scanner_.name().of(bytes);
  const std::string_view value = scanner_.value().of(bytes);
  if (http1::equals_ignoring_case(name, "content-length")) return take_length(value);
  if (http1::equals_ignoring_case(name, "transfer-encoding")) return take_encoding(value);
  if (http1::equals_ignoring_case(name, "connection")) return take_connection(value);
  if (http1::equals_ignoring_case(name, "upgrade") && upgrade_.length == 0) {
    upgrade_ = scanner_.value();
  }
  return true;
}

bool BackendHeadParser::take_length(std::string_view value) {
  if (has_length_) return reject(HeadReject::field_repeated), false;
  if (is_chunked_) return reject(HeadReject::length_and_encoding), false;
  const auto length = parse_content_length(value);
  if (!length) return reject(HeadReject::bad_length), false;
  has_length_ = true;
  content_length_ = *length;
  return true;
}

bool BackendHeadParser::take_encoding(std::string_view value) {
  if (has_length_) return reject(HeadReject::length_and_encoding), false;
  // A second field makes a list, and a list is not exactly "chunked". RFC 9112, 6.1: HTTP/1.0 has
  // none, and 1xx and 204 must not have one.
  if (is_old_ || is_chunked_ || !http1::equals_ignoring_case(value, "chunked") || status_ < 200 ||
      status_ == no_content) {
    return reject(HeadReject::bad_encoding), false;
  }
  is_chunked_ = true;
  return true;
}

bool BackendHeadParser::take_connection(std::string_view value) {
  ConnectionOptions options;
  options.add(value);
  options_ += options.size();
  if (options_ > max_connection_options) return reject(HeadReject::too_many_options), false;
  close_ = close_ || options.have("close");
  keep_alive_ = keep_alive_ || options.have("keep-alive");
  return true;
}

BackendHeadParser::State BackendHeadParser::finish_head() {
  if (status_ == switching_protocols && (!asked_.upgrade || upgrade_.length == 0)) {
    return reject(HeadReject::not_asked_for);
  }
  return state_ = State::complete;
}

bool BackendHeadParser::has_no_body() const {
  return asked_.head || status_ < 200 || status_ == no_content || status_ == not_modified;
}

BackendHead BackendHeadParser::head(std::string_view bytes) const {
  BackendHead head;
  head.status = status_;
  head.reason = http1::trim_whitespace(phrase_.of(bytes));
  head.length = scanner_.position();
  head.has_content_length = has_length_;
  head.content_length = content_length_;
  if (has_no_body()) {
    head.framing = AnswerFraming::none;
  } else if (is_chunked_) {
    head.framing = AnswerFraming::chunked;
  } else {
    head.framing = has_length_ ? AnswerFraming::content_length : AnswerFraming::until_close;
  }
  if (status_ == switching_protocols) head.upgrade = upgrade_.of(bytes);
  head.keep_alive = !close_ && (!is_old_ || keep_alive_) && status_ != switching_protocols &&
                    head.framing != AnswerFraming::until_close;
  return head;
}

std::string_view after_status_line(std::string_view head) {
  const std::size_t end = head.find("\r\n");
  return end == std::string_view::npos ? std::string_view() : head.substr(end + 2);
}

ConnectionOptions connection_options_of(std::string_view fields) {
  ConnectionOptions options;
  while (const auto field = next_answer_field(fields)) {
    if (http1::equals_ignoring_case(field->name, "connection")) options.add(field->value);
  }
  return options;
}

bool is_passed_on_from_backend(std::string_view name, const ConnectionOptions& options) {
  for (const std::string_view ours : {"content-length", "date", "server"}) {
    if (http1::equals_ignoring_case(name, ours)) return false;
  }
  return !is_hop_by_hop(name) && !options.have(name);
}

}  // namespace perchild::gateway
