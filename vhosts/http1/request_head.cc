// What a parsed head says: reasons as sentences, the RequestHead of a finished parser, its fields.
#include "vhosts/http1/request_head.h"

#include <cstdlib>

#include "vhosts/http1/authority.h"
#include "vhosts/http1/characters.h"

namespace perchild::http1 {
namespace {

// Cuts the line at the front of `rest` off, without its CRLF.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  return line;
}

}  // namespace

int status_of(Reject reason) {
  switch (reason) {
    case Reject::target_too_long:
      return 414;
    case Reject::expectation_failed:
      return 417;
    case Reject::head_too_large:
    case Reject::too_many_fields:
      return 431;
    case Reject::encoding_unknown:
      return 501;
    case Reject::version_unsupported:
      return 505;
    default:
      return 400;
  }
}

std::string_view text_of(Reject reason) {
  switch (reason) {
    case Reject::bad_request_line:
      return "the request line is malformed";
    case Reject::bad_method:
      return "the method is not a token or is too long";
    case Reject::bad_target:
      return "the request target is malformed";
    case Reject::bad_version:
      return "the protocol version is malformed";
    case Reject::bad_line_end:
      return "a line does not end in CRLF";
    case Reject::bad_field_name:
      return "a field name is not a token";
    case Reject::bad_field_value:
      return "a field value is malformed";
    case Reject::folded_field:
      return "a field line begins with whitespace";
    case Reject::host_missing:
      return "no host is named";
    case Reject::host_repeated:
      return "there is more than one Host field";
    case Reject::host_invalid:
      return "the host or its port is malformed";
    case Reject::host_mismatch:
      return "the request target and the Host field disagree";
    case Reject::content_length_invalid:
      return "Content-Length is not a decimal number";
    case Reject::content_length_repeated:
      return "there is more than one Content-Length field";
    case Reject::length_and_encoding:
      return "both Content-Length and Transfer-Encoding are present";
    case Reject::encoding_in_http_1_0:
      return "Transfer-Encoding in an HTTP/1.0 request";
    case Reject::target_too_long:
      return "the request target is too long";
    case Reject::expectation_failed:
      return "the Expect field asks for more than 100-continue";
    case Reject::head_too_large:
      return "the request head is too large";
    case Reject::too_many_fields:
      return "the request head has too many fields";
    case Reject::encoding_unknown:
      return "Transfer-Encoding is not exactly \"chunked\"";
    case Reject::version_unsupported:
      return "the protocol version is not HTTP/1";
  }
  return "";
}

std::string_view text_of(Version version) {
  switch (version) {
    case Version::http_1_0:
      return "HTTP/1.0";
    case Version::http_1_1:
      return "HTTP/1.1";
    case Version::http_2:
      return "HTTP/2.0";
  }
  return "";
}

RequestHead HeadParser::head(std::string_view bytes) const {
  if (bytes.size() < pos_) std::abort();  // not what was parsed: our caller's bug
  RequestHead head;
  head.method = method_;
  head.version = version_;
  head.method_text = method_text_.of(bytes);
  head.target = target_.of(bytes);
  head.path = path_.of(bytes);
  head.query = query_.of(bytes);
  // RFC 9112, 3.2.1 and 3.2.4: an absolute-form target without a path.
  if (head.path.empty() && has_target_host_ && method_ != Method::connect) {
    head.path = method_ == Method::options && head.query.empty() ? "*" : "/";
  }
  head.if_none_match = kept(Known::if_none_match).of(bytes);
  head.if_modified_since = kept(Known::if_modified_since).of(bytes);
  head.user_agent = kept(Known::user_agent).of(bytes);
  head.referer = kept(Known::referer).of(bytes);
  head.authorization = kept(Known::authorization).of(bytes);
  head.range = kept(Known::range).of(bytes);
  head.if_range = kept(Known::if_range).of(bytes);
  head.accept_encoding = kept(Known::accept_encoding).of(bytes);
  head.upgrade = kept(Known::upgrade).of(bytes);
  head.has_preconditions = has_preconditions_;
  head.has_split_lists = has_split_lists_;
  head.is_https = has_target_host_ && method_ != Method::connect && default_port_ == https_port;
  if (phase_ != Phase::complete) return head;

  head.length = pos_;
  if (host_.length != 0) head.host = HostName::parse(host_.of(bytes));
  if (has_chunked_) head.body = BodyFraming::chunked;
  if (has_length_) head.body = BodyFraming::content_length;
  head.content_length = content_length_;
  head.keep_alive = !close_ && (version_ == Version::http_1_1 || keep_alive_);
  // RFC 9110, 10.1.1: HTTP/1.0 clients do not wait, and there is nothing to wait for without a
  // body.
  head.expect_continue =
      expect_continue_ && version_ == Version::http_1_1 && (has_chunked_ || content_length_ != 0);
  return head;
}

std::string_view after_request_line(std::string_view head) {
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  take_line(head);
  return head;
}

std::optional<Field> next_field(std::string_view& rest) {
  const std::string_view line = take_line(rest);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return Field{line.substr(0, colon), trim_whitespace(line.substr(colon + 1))};
}

std::string whole_list(std::string_view bytes, std::string_view name) {
  std::string list;
  for_each_field(bytes, [&](const Field& field) {
    if (!equals_ignoring_case(field.name, name)) return;
    if (!list.empty()) list.append(", ");
    list.append(field.value);
  });
  return list;
}

}  // namespace perchild::http1
