// The scanner: which byte may follow which. What whole fields mean is in head_fields.cc, the
// request target in head_target.cc.
#include <cstdlib>
#include <cstring>

#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::http1 {
namespace {

constexpr std::string_view version_line_1_1 = "HTTP/1.1\r\n";
constexpr std::size_t version_major = 5;
constexpr std::size_t version_minor = 7;

struct MethodName {
  std::string_view text;
  Method method;
};
constexpr MethodName methods[] = {
    {"GET", Method::get},         {"HEAD", Method::head},       {"POST", Method::post},
    {"OPTIONS", Method::options}, {"PUT", Method::put},         {"DELETE", Method::delete_},
    {"PATCH", Method::patch},     {"CONNECT", Method::connect}, {"TRACE", Method::trace},
};

// Methods are case-sensitive (RFC 9110, 9.1).
Method method_of(std::string_view text) {
  for (const MethodName& known : methods) {
    if (text == known.text) return known.method;
  }
  return Method::other;
}

// Whether `c` may be byte `i` of "HTTP/" DIGIT "." DIGIT CRLF.
bool is_version_byte(std::size_t i, char c) {
  return i == version_major || i == version_minor ? is_digit(c) : c == version_line_1_1[i];
}

}  // namespace

HeadParser::State HeadParser::parse(std::string_view bytes) {
  // The same bytes must be called too large however they arrive: nothing behind the limit counts.
  const std::string_view window = bytes.substr(0, max_head_bytes);
  if (window.size() < pos_) std::abort();  // fewer bytes than the last time: our caller's bug
  while (phase_ < Phase::complete && pos_ < window.size()) step(window);
  if (phase_ < Phase::complete && window.size() == max_head_bytes) reject(Reject::head_too_large);
  if (phase_ == Phase::complete) return State::complete;
  return phase_ == Phase::rejected ? State::rejected : State::incomplete;
}

void HeadParser::step(std::string_view bytes) {
  switch (phase_) {
    case Phase::start:
      return scan_start(bytes);
    case Phase::leading_line_feed:
      return expect_line_feed(bytes[pos_], Phase::start);
    case Phase::method:
      return scan_method(bytes);
    case Phase::path:
      return scan_target(bytes, path_char);
    case Phase::query:
      return scan_target(bytes, query_char);
    case Phase::version:
      return scan_version(bytes);
    case Phase::line:
      return scan_line(bytes);
    case Phase::name:
      return scan_name(bytes);
    case Phase::value:
      return scan_value(bytes);
    case Phase::line_feed:
      return end_field(bytes);
    case Phase::last_line_feed:
      expect_line_feed(bytes[pos_], Phase::complete);
      if (phase_ == Phase::complete) finish_head();
      return;
    case Phase::complete:
    case Phase::rejected:
      return;
  }
}

void HeadParser::enter(Phase phase, std::size_t pos) {
  phase_ = phase;
  pos_ = static_cast<std::uint16_t>(pos);
}

void HeadParser::reject(Reject reason) {
  phase_ = Phase::rejected;
  reason_ = reason;
}

void HeadParser::expect_line_feed(char c, Phase next) {
  if (c != '\n') return reject(Reject::bad_line_end);
  enter(next, pos_ + 1u);
}

void HeadParser::scan_start(std::string_view bytes) {
  const char c = bytes[pos_];
  // RFC 9112, 2.2: one empty line before the request line is forgiven, as old clients send one
  // after a body. A TLS record or other binary protocol ends here, at its first byte.
  if (c == '\r' && pos_ == 0) return enter(Phase::leading_line_feed, 1);
  if (c == '\n') return reject(Reject::bad_line_end);
  if (!is_char_of(c, token_char)) return reject(Reject::bad_request_line);
  mark_ = pos_;
  phase_ = Phase::method;
  scan_method(bytes);
}

void HeadParser::scan_method(std::string_view bytes) {
  const std::size_t end = skip_chars(bytes, pos_, token_char);
  pos_ = static_cast<std::uint16_t>(end);
  if (end - mark_ > max_method_bytes) return reject(Reject::bad_method);
  if (end == bytes.size()) return;
  if (bytes[end] == '\n') return reject(Reject::bad_line_end);
  if (bytes[end] == '\r') return reject(Reject::bad_request_line);
  if (bytes[end] != ' ') return reject(Reject::bad_method);
  method_text_ = slice(mark_, end);
  method_ = method_of(method_text_.of(bytes));
  enter(Phase::path, end + 1);
  mark_ = pos_;
}

void HeadParser::scan_target(std::string_view bytes, std::uint8_t classes) {
  const std::size_t end = skip_chars(bytes, pos_, classes);
  pos_ = static_cast<std::uint16_t>(end);
  if (end - mark_ > max_target_bytes) return reject(Reject::target_too_long);
  if (end == bytes.size()) return;
  const char c = bytes[end];
  if (c == '?') {
    path_ = slice(mark_, end);
    return enter(Phase::query, end + 1);
  }
  if (c == '\n') return reject(Reject::bad_line_end);
  // A second space, or the end of an HTTP/0.9 request line.
  if (c == '\r' || (c == ' ' && end == mark_)) return reject(Reject::bad_request_line);
  if (c != ' ') return reject(Reject::bad_target);

  target_ = slice(mark_, end);
  if (phase_ == Phase::path) {
    path_ = target_;
  } else {
    query_ = slice(path_.offset + path_.length + 1u, end);
  }
  enter(Phase::version, end + 1);
  mark_ = pos_;
}

void HeadParser::scan_version(std::string_view bytes) {
  const std::string_view line = bytes.substr(mark_, version_line_1_1.size());
  std::size_t at = pos_ - mark_;
  if (line == version_line_1_1) at = line.size();
  while (at < line.size() && is_version_byte(at, line[at])) ++at;
  pos_ = static_cast<std::uint16_t>(mark_ + at);
  if (at == version_line_1_1.size()) return finish_request_line(bytes);
  if (at == line.size()) return;
  reject(line[at] == '\n' || at == version_line_1_1.size() - 1 ? Reject::bad_line_end
                                                               : Reject::bad_version);
}

void HeadParser::finish_request_line(std::string_view bytes) {
  const char major = bytes[mark_ + version_major];
  const char minor = bytes[mark_ + version_minor];
  if (major != '1') return reject(Reject::version_unsupported);
  // RFC 9110, 2.5: a higher minor version is the highest that we know.
  version_ = minor == '0' ? Version::http_1_0 : Version::http_1_1;
  phase_ = Phase::line;
  finish_target(bytes);
}

void HeadParser::scan_line(std::string_view bytes) {
  const char c = bytes[pos_];
  if (c == '\r') return enter(Phase::last_line_feed, pos_ + 1u);
  if (c == '\n') return reject(Reject::bad_line_end);
  if (is_whitespace(c)) return reject(Reject::folded_field);  // RFC 9112, 2.2 and 5.2
  if (fields_ == max_fields) return reject(Reject::too_many_fields);
  ++fields_;
  mark_ = pos_;
  phase_ = Phase::name;
  scan_name(bytes);
}

void HeadParser::scan_name(std::string_view bytes) {
  const std::size_t end = skip_chars(bytes, pos_, token_char);
  pos_ = static_cast<std::uint16_t>(end);
  if (end == bytes.size()) return;
  if (bytes[end] == '\n') return reject(Reject::bad_line_end);
  // RFC 9112, 5.1: whitespace before the colon is a request-smuggling vector, too.
  if (bytes[end] != ':' || end == mark_) return reject(Reject::bad_field_name);
  name_ = slice(mark_, end);
  enter(Phase::value, end + 1);
  mark_ = pos_;
  scan_value(bytes);
}

void HeadParser::scan_value(std::string_view bytes) {
  std::size_t end = find_control(bytes, pos_);
  while (end < bytes.size() && bytes[end] == '\t') end = find_control(bytes, end + 1);
  pos_ = static_cast<std::uint16_t>(end);
  if (end == bytes.size()) return;
  if (bytes[end] == '\n') return reject(Reject::bad_line_end);
  if (bytes[end] != '\r') return reject(Reject::bad_field_value);
  enter(Phase::line_feed, end + 1);
  if (pos_ < bytes.size()) end_field(bytes);
}

void HeadParser::end_field(std::string_view bytes) {
  expect_line_feed(bytes[pos_], Phase::line);
  if (phase_ == Phase::line) finish_field(bytes);
}

}  // namespace perchild::http1
