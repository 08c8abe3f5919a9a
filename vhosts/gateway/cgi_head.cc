#include "vhosts/gateway/cgi_head.h"

#include "vhosts/http1/characters.h"

namespace perchild::gateway {
namespace {

constexpr std::size_t status_digits = 3;

// "200", or "200 OK".
std::optional<std::uint16_t> parse_status(std::string_view value) {
  const std::string_view digits = value.substr(0, status_digits);
  if (digits.size() < status_digits) return std::nullopt;
  if (value.size() > status_digits && !http1::is_whitespace(value[status_digits])) {
    return std::nullopt;
  }
  std::uint16_t status = 0;
  for (const char c : digits) {
    if (!http1::is_digit(c)) return std::nullopt;
    status = static_cast<std::uint16_t>(status * 10 + (c - '0'));
  }
  // 1xx is said by who speaks HTTP with the client.
  return status >= 200 && status <= 599 ? std::optional(status) : std::nullopt;
}

// RFC 3875, 6.3.2: a path with a query. "//host/path" names another server (RFC 3986, 4.2).
bool is_local(std::string_view location) {
  return location.starts_with('/') && !location.starts_with("//");
}

}  // namespace

CgiHeadParser::State CgiHeadParser::parse(std::string_view bytes) {
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
        if (scanner_.fields() == 0) return reject(HeadReject::no_fields);
        state_ = State::complete;
    }
  }
  return state_;
}

CgiHeadParser::State CgiHeadParser::finish() {
  if (state_ != State::incomplete) return state_;
  const bool is_empty = scanner_.fields() == 0 && scanner_.position() == 0;
  return reject(is_empty ? HeadReject::nothing : HeadReject::ended_early);
}

CgiHeadParser::State CgiHeadParser::reject(HeadReject reason) {
  reason_ = reason;
  return state_ = State::rejected;
}

// False if the field is refused.
bool CgiHeadParser::take_field(std::string_view bytes) {
  const std::string_view name = scanner_.name().of(bytes);
  const std::string_view value = scanner_.value().of(bytes);
  if (http1::equals_ignoring_case(name, "status")) {
    if (!take_once(status_text_)) return false;
    const auto status = parse_status(value);
    if (!status) return reject(HeadReject::bad_status), false;
    status_ = *status;
  } else if (http1::equals_ignoring_case(name, "content-length")) {
    if (!take_once(length_text_)) return false;
    const auto length = parse_content_length(value);
    if (!length) return reject(HeadReject::bad_length), false;
    has_length_ = true;
    content_length_ = *length;
  } else if (http1::equals_ignoring_case(name, "location")) {
    if (!take_once(location_)) return false;
    if (value.empty()) return reject(HeadReject::bad_location), false;
  } else if (http1::equals_ignoring_case(name, "content-type")) {
    return take_once(content_type_);
  }
  return true;
}

bool CgiHeadParser::take_once(HeadSlice& known) {
  // No value begins at offset 0.
  if (known.offset != 0) return reject(HeadReject::field_repeated), false;
  known = scanner_.value();
  return true;
}

CgiHead CgiHeadParser::head(std::string_view bytes) const {
  CgiHead head;
  head.location = location_.of(bytes);
  head.content_type = content_type_.of(bytes);
  if (has_length_) head.content_length = content_length_;
  head.length = scanner_.position();
  if (status_ != 0) {
    head.status = status_;
    head.reason = http1::trim_whitespace(status_text_.of(bytes).substr(status_digits));
  }
  if (head.location.empty()) return head;
  head.kind = CgiResponse::client_redirect;
  if (status_ != 0) return head;
  head.status = 302;
  if (is_local(head.location)) head.kind = CgiResponse::local_redirect;
  return head;
}

bool is_passed_on_from_cgi(std::string_view name) {
  for (const std::string_view ours : {"status", "content-length", "date", "server"}) {
    if (http1::equals_ignoring_case(name, ours)) return false;
  }
  return !is_hop_by_hop(name);
}

}  // namespace perchild::gateway
