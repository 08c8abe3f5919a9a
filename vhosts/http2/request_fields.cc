#include "vhosts/http2/request_fields.h"

#include <algorithm>
#include <utility>

#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"
#include "vhosts/http2/connection_fields.h"

namespace perchild::http2 {
namespace {

using http1::equals_ignoring_case;

// RFC 7541, 4.1.
constexpr std::size_t overhead_of_field = 32;
// HeadParser refuses what is longer, so no more than that is kept.
constexpr std::size_t most_kept = http1::max_head_bytes + 1;

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return http1::is_char_of(c, http1::token_char) && http1::to_lower(c) == c;
  });
}

// RFC 9113, 8.2.1.
bool is_value(std::string_view value) {
  return value.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos &&
         http1::trim_whitespace(value).size() == value.size();
}

// Nothing that would end a part of a request line.
bool has_no_blanks(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == ' ' || http1::is_control(c); });
}

}  // namespace

void RequestFields::add(std::string_view name, std::string_view value) {
  list_size_ += name.size() + value.size() + overhead_of_field;
  if (!is_value(value)) return fail("a field's value is malformed");
  if (name.starts_with(':')) return add_pseudo(name, value);
  if (!is_name(name)) return fail("a field's name is malformed, or not in lower case");
  add_regular(name, value);
}

void RequestFields::add_pseudo(std::string_view name, std::string_view value) {
  if (has_regular_) return fail("a pseudo-header field stands behind a regular one");
  Pseudo* const field = name == ":method"      ? &method_
                        : name == ":scheme"    ? &scheme_
                        : name == ":authority" ? &authority_
                        : name == ":path"      ? &path_
                        : name == ":protocol"  ? &protocol_
                                               : nullptr;
  if (field == nullptr) return fail("there is no such pseudo-header field in requests");
  if (field->is_there) return fail("a pseudo-header field is repeated");
  if (value.empty() || !has_no_blanks(value)) return fail("a pseudo-header field is malformed");
  field->is_there = true;
  field->value = value.substr(0, most_kept);
}

void RequestFields::add_regular(std::string_view name, std::string_view value) {
  if (!std::exchange(has_regular_, true)) begin_regular();
  if (is_of_connection(name)) return fail("a field of HTTP/1.1 connections");
  if (name == "te") {
    if (!equals_ignoring_case(value, "trailers")) fail("TE says more than \"trailers\"");
    return;
  }
  if (name == "host") {
    if (std::exchange(has_host_, true)) return fail("there is more than one Host field");
    host_ = value.substr(0, most_kept);
    return;
  }
  // RFC 9113, 8.2.3: it may have been split, to be compressed better.
  if (name == "cookie") {
    if (cookie_.size() > most_kept) return;
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value.substr(0, most_kept);
    return;
  }
  if (name == "content-length") {
    has_length_ = true;
    length_is_zero_ = value.find_first_not_of('0') == std::string_view::npos;
  }
  if (name == "sec-websocket-key" && protocol_.is_there) return;
  append_line(name, value);
}

void RequestFields::append_line(std::string_view name, std::string_view value) {
  if (text_.size() > most_kept) return;
  text_.append(name).append(": ").append(value.substr(0, most_kept)).append("\r\n");
}

// The request line, without what only finish() can tell.
void RequestFields::begin_regular() {
  const bool is_connect = method_.value == "CONNECT" && !protocol_.is_there;
  text_.append(protocol_.is_there ? "GET" : method_.value).append(" ");
  text_.append(is_connect ? authority_.value : path_.value);
  text_.append(" HTTP/1.1\r\n");
}

void RequestFields::check_pseudo() {
  if (!method_.is_there) fail("there is no :method");
  if (method_.value == "CONNECT" && !protocol_.is_there) {
    // RFC 9113, 8.5.
    if (scheme_.is_there || path_.is_there) fail("CONNECT has a :scheme or a :path");
    if (!authority_.is_there) fail("CONNECT has no :authority");
    return;
  }
  if (!scheme_.is_there || !path_.is_there) fail("there is no :scheme or no :path");
  if (scheme_.value != "https" && scheme_.value != "http") fail("the :scheme is not HTTP's");
  // RFC 9113, 8.3.1. HTTP/1.1 would take an absolute form for another authority.
  const bool is_of_server = path_.value == "*" && method_.value == "OPTIONS";
  if (!path_.value.starts_with('/') && !is_of_server) fail("the :path is malformed");
  if (!std::all_of(method_.value.begin(), method_.value.end(),
                   [](char c) { return http1::is_char_of(c, http1::token_char); })) {
    fail("the :method is malformed");
  }
  if (!protocol_.is_there) return;
  if (method_.value != "CONNECT") fail("a :protocol without CONNECT");
  if (!authority_.is_there) fail("CONNECT has no :authority");
  if (protocol_.value != "websocket") fail("the :protocol is not websocket");
}

// RFC 8441, 5: as HTTP/1.1 asks for it. The key proves to a client that its server knows WebSocket,
// which nobody asks here; a backend wants it to have its form, sixteen bytes in base64.
void RequestFields::append_upgrade() {
  append_line("connection", "Upgrade");
  append_line("upgrade", "websocket");
  append_line("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
}

bool RequestFields::finish(bool has_body) {
  if (!has_regular_) begin_regular();
  check_pseudo();
  if (authority_.is_there && has_host_ && !equals_ignoring_case(authority_.value, host_)) {
    fail(":authority and Host differ");
  }
  if (!has_body && has_length_ && !length_is_zero_) fail("a Content-Length without a body");
  if (protocol_.is_there && has_length_) fail("a Content-Length of a tunnel");
  if (!problem_.empty()) return false;
  if (authority_.is_there || has_host_) {
    append_line("host", authority_.is_there ? authority_.value : host_);
  }
  if (!cookie_.empty()) append_line("cookie", cookie_);
  if (protocol_.is_there) {
    append_upgrade();
  } else if (has_body && !has_length_) {
    append_line("transfer-encoding", "chunked");
  }
  text_.append("\r\n");
  return true;
}

}  // namespace perchild::http2
