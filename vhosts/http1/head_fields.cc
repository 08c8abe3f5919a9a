// The fields that decide about the message: its host, its framing, its connection.
#include <cstdint>
#include <limits>

#include "vhosts/http1/authority.h"
#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::http1 {
namespace {

// 1*DIGIT that fits an off_t. No sign, no list, no whitespace inside (RFC 9110, 8.6).
std::optional<std::uint64_t> parse_length(std::string_view digits) {
  constexpr std::uint64_t limit = std::numeric_limits<std::int64_t>::max();
  if (digits.empty()) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (limit - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

// Whether a token of `known`'s length is `known`, which is of lower-case letters and '-'. Setting
// bit 5 makes no other character of a token one of these.
bool is_name(std::string_view token, std::string_view known) {
  int difference = 0;
  for (std::size_t i = 0; i < known.size(); ++i) difference |= (token[i] | 0x20) ^ known[i];
  return difference == 0;
}

// The first element of a list, which loses it; empty elements are given, too.
std::string_view take_element(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view element = trim_whitespace(list.substr(0, comma));
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return element;
}

}  // namespace

HeadParser::Known HeadParser::known_field(std::string_view name) {
  const auto is = [name](std::string_view known, Known field) {
    return is_name(name, known) ? field : Known::none;
  };
  switch (name.size()) {
    case 4:
      return is("host", Known::host);
    case 5:
      return is("range", Known::range);
    case 6:
      return is("expect", Known::expect);
    case 7:
      if (to_lower(name.front()) == 'u') return is("upgrade", Known::upgrade);
      return is("referer", Known::referer);
    case 8:
      if (to_lower(name[3]) == 'm') return is("if-match", Known::precondition);
      return is("if-range", Known::if_range);
    case 10:
      if (to_lower(name.front()) == 'c') return is("connection", Known::connection);
      return is("user-agent", Known::user_agent);
    case 13:
      if (to_lower(name.front()) == 'a') return is("authorization", Known::authorization);
      return is("if-none-match", Known::if_none_match);
    case 14:
      return is("content-length", Known::content_length);
    case 15:
      return is("accept-encoding", Known::accept_encoding);
    case 17:
      if (to_lower(name.front()) == 't') return is("transfer-encoding", Known::transfer_encoding);
      return is("if-modified-since", Known::if_modified_since);
    case 19:
      return is("if-unmodified-since", Known::precondition);
    default:
      return Known::none;
  }
}

void HeadParser::finish_field(std::string_view bytes) {
  const std::size_t line_end = pos_ - 2u;
  const std::string_view value = trim_whitespace(bytes.substr(mark_, line_end - mark_));
  const Known field = known_field(name_.of(bytes));
  switch (field) {
    case Known::none:
      return;
    case Known::host:
      return on_host(bytes, value);
    case Known::connection:
      return on_connection(value);
    case Known::content_length:
      return on_content_length(value);
    case Known::expect:
      return on_expect(value);
    case Known::transfer_encoding:
      return on_transfer_encoding(value);
    case Known::precondition:
      has_preconditions_ = true;
      return;
    default:
      return keep(field, slice(bytes, value));
  }
}

void HeadParser::keep(Known field, Slice value) {
  Slice& kept = kept_[static_cast<std::size_t>(field)];
  if (kept.offset == 0) {  // no value begins there
    kept = value;
  } else if (field == Known::if_none_match || field == Known::accept_encoding) {
    has_split_lists_ = true;
  } else if (field == Known::if_modified_since || field == Known::range) {
    kept.length = 0;  // RFC 9110, 13.1.3 and 14.2: several are none
  }
}

void HeadParser::on_host(std::string_view bytes, std::string_view value) {
  if (has_host_) return reject(Reject::host_repeated);  // RFC 9112, 3.2
  has_host_ = true;
  if (value.empty()) return reject(Reject::host_missing);
  const auto authority = split_authority(value);
  if (!authority) return reject(Reject::host_invalid);
  if (!HostName::is_valid(authority->host_text)) return reject(Reject::host_invalid);
  if (!has_target_host_) {
    host_ = slice(bytes, authority->host_text);
    return;
  }
  // RFC 9112, 3.2.2 lets the target win over a different Host field. Two names in one request serve
  // nobody but those who hope that two programs pick different ones.
  const bool same_port = authority->port.value_or(default_port_) == target_port_;
  const bool same_host = HostName::parse(host_.of(bytes)) == HostName::parse(authority->host_text);
  if (!same_port || !same_host) reject(Reject::host_mismatch);
}

void HeadParser::on_connection(std::string_view value) {
  while (!value.empty()) {
    const std::string_view option = take_element(value);
    if (skip_chars(option, 0, token_char) != option.size()) return reject(Reject::bad_field_value);
    if (equals_ignoring_case(option, "close")) close_ = true;
    if (equals_ignoring_case(option, "keep-alive")) keep_alive_ = true;
  }
}

void HeadParser::on_content_length(std::string_view value) {
  // RFC 9112, 6.3 would let equal values pass. No client repeats itself in good faith.
  if (has_length_) return reject(Reject::content_length_repeated);
  if (has_chunked_) return reject(Reject::length_and_encoding);
  const auto length = parse_length(value);
  if (!length) return reject(Reject::content_length_invalid);
  has_length_ = true;
  content_length_ = *length;
}

// RFC 9110, 10.1.1: a list, of which the empty elements ask for nothing.
void HeadParser::on_expect(std::string_view value) {
  while (!value.empty()) {
    const std::string_view expectation = take_element(value);
    if (expectation.empty()) continue;
    if (!equals_ignoring_case(expectation, "100-continue")) {
      return reject(Reject::expectation_failed);
    }
    expect_continue_ = true;
  }
}

void HeadParser::on_transfer_encoding(std::string_view value) {
  if (version_ == Version::http_1_0) return reject(Reject::encoding_in_http_1_0);  // 9112, 6.1
  if (has_length_) return reject(Reject::length_and_encoding);
  // A second field makes a list, and a list is not exactly "chunked".
  if (has_chunked_ || !equals_ignoring_case(value, "chunked")) {
    return reject(Reject::encoding_unknown);
  }
  has_chunked_ = true;
}

void HeadParser::finish_head() {
  if (version_ == Version::http_1_1 && !has_host_) reject(Reject::host_missing);
}

}  // namespace perchild::http1
