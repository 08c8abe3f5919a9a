// The one HTTP/1 request-head parser, used by router and worker alike, so that there is no seam to
// smuggle a request through (RFC 9112, reject by default). Pure functions on bytes; no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/host_name.h"
#include "vhosts/http1/characters.h"

namespace perchild::http1 {

inline constexpr std::size_t max_head_bytes = 16 * 1024;   // request line and all fields, else 431
inline constexpr std::size_t max_target_bytes = 8 * 1024;  // else 414
inline constexpr std::size_t max_fields = 100;             // else 431
inline constexpr std::size_t max_method_bytes = 32;

enum class Method : std::uint8_t {
  get,
  head,
  options,
  post,
  put,
  delete_,
  patch,
  connect,
  trace,
  other
};

enum class Version : std::uint8_t { http_1_0, http_1_1, http_2 };
std::string_view text_of(Version version);  // as logs and programs are told it

// Why a head is refused. `status_of` gives the response status, `text_of` the sentence for the log.
enum class Reject : std::uint8_t {
  // 400
  bad_request_line,
  bad_method,
  bad_target,
  bad_version,
  bad_line_end,
  bad_field_name,
  bad_field_value,
  folded_field,
  host_missing,  // no Host field in HTTP/1.1, or one that is empty
  host_repeated,
  host_invalid,
  host_mismatch,  // the target's authority is not that of the Host field
  content_length_invalid,
  content_length_repeated,
  length_and_encoding,
  encoding_in_http_1_0,
  // 414, 417, 431, 431, 501, 505
  target_too_long,
  expectation_failed,
  head_too_large,
  too_many_fields,
  encoding_unknown,
  version_unsupported,
};
int status_of(Reject reason);
std::string_view text_of(Reject reason);

// How the request's body is delimited (RFC 9112, 6.3).
enum class BodyFraming : std::uint8_t { none, content_length, chunked };

struct Field {
  std::string_view name;   // as sent; compare with equals_ignoring_case
  std::string_view value;  // without surrounding whitespace
};

// A complete, valid head. Views point into the bytes that were parsed (see `path`).
struct RequestHead {
  Method method = Method::other;
  // A higher HTTP/1 minor version is taken for 1.1; http_2 is set by who has made the head of it.
  Version version = Version::http_1_1;
  std::string_view method_text;
  std::string_view target;  // as sent
  // The target's path, not decoded. A literal "/" for an absolute-form target without a path, "*"
  // for OPTIONS of the whole server, empty for CONNECT.
  std::string_view path;
  std::string_view query;        // without the '?'; empty if none
  std::optional<HostName> host;  // the target's authority, which Host equals, or Host; 1.0: none
  BodyFraming body = BodyFraming::none;
  std::uint64_t content_length = 0;  // with BodyFraming::content_length; at most INT64_MAX
  bool keep_alive = true;            // RFC 9112, 9.3
  bool expect_continue = false;      // the client waits for 100 before it sends its body
  bool is_https = false;             // the target is an https URI, in absolute form
  std::string_view if_none_match, if_modified_since, user_agent, referer, authorization, range,
      if_range, accept_encoding,
      upgrade;  // empty if absent; the first one if repeated, of if_modified_since and range none
  bool has_split_lists = false;    // If-None-Match or Accept-Encoding is repeated: whole_list
  bool has_preconditions = false;  // If-Match or If-Unmodified-Since: see for_each_field
  std::size_t length = 0;          // bytes of a complete head, with its final empty line
};

// Parses one head as it arrives. Feed it all bytes from the head's first one on, again and again
// with more of them at the end (the buffer may move between calls): it goes on where it stopped, so
// a head that trickles in costs no more than one that comes at once. What it says depends on the
// bytes alone, never on how they were split. A byte that may not stand where it does is refused at
// once, what a line means at the line's end.
class HeadParser {
 public:
  enum class State : std::uint8_t { incomplete, complete, rejected };

  // Once complete or rejected it stays so until reset(). Bytes behind the head are left alone.
  State parse(std::string_view bytes);

  Reject reason() const { return reason_; }  // with State::rejected

  // With State::complete: the head, its views into `bytes`, which must be what parse() last saw.
  // Else: what is known so far, for the log (method, target, user_agent).
  RequestHead head(std::string_view bytes) const;

  void reset() { *this = HeadParser{}; }

 private:
  // What the next byte belongs to.
  enum class Phase : std::uint8_t {
    start,
    leading_line_feed,
    method,
    path,
    query,
    version,
    line,
    name,
    value,
    line_feed,
    last_line_feed,
    complete,
    rejected,
  };

  // Fields whose values are kept, and those that decide about the message.
  enum class Known : std::uint8_t {
    if_none_match,
    if_modified_since,
    user_agent,
    referer,
    authorization,
    range,
    if_range,
    accept_encoding,
    upgrade,
    host,
    connection,
    content_length,
    expect,
    transfer_encoding,
    precondition,  // If-Match, If-Unmodified-Since: rare, so only that they are there is kept
    none,
  };
  static constexpr std::size_t kept_fields = 9;  // the first of Known, up to `host`

  // Offsets, so that the buffer may move.
  struct Slice {
    std::uint16_t offset = 0;
    std::uint16_t length = 0;
    // `bytes` have it: parse() and head() see to that once.
    std::string_view of(std::string_view bytes) const { return {bytes.data() + offset, length}; }
  };
  static_assert(max_head_bytes <= UINT16_MAX);

  static constexpr Slice slice(std::size_t begin, std::size_t end) {
    return {static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(end - begin)};
  }
  static Slice slice(std::string_view bytes, std::string_view part) {
    const auto begin = static_cast<std::size_t>(part.data() - bytes.data());
    return slice(begin, begin + part.size());
  }
  static Known known_field(std::string_view name);

  // head_parser.cc: which byte may follow which. Each takes what it can from pos_ on, and moves to
  // the next phase or rejects; where that phase is the usual one, it goes on there.
  void step(std::string_view bytes);
  void scan_start(std::string_view bytes);
  void scan_method(std::string_view bytes);
  void scan_target(std::string_view bytes, std::uint8_t classes);
  void scan_version(std::string_view bytes);
  void scan_line(std::string_view bytes);
  void scan_name(std::string_view bytes);
  void scan_value(std::string_view bytes);
  void end_field(std::string_view bytes);

  void expect_line_feed(char c, Phase next);
  void enter(Phase phase, std::size_t pos);
  void reject(Reject reason);

  void finish_request_line(std::string_view bytes);

  // head_target.cc: the forms of the request target.
  void finish_target(std::string_view bytes);
  void finish_authority_target(std::string_view bytes);
  void finish_absolute_target(std::string_view bytes, std::size_t scheme_length);

  // head_fields.cc: what the fields mean for the message.
  void finish_field(std::string_view bytes);
  void finish_head();

  void keep(Known field, Slice value);
  void on_host(std::string_view bytes, std::string_view value);
  void on_connection(std::string_view value);
  void on_content_length(std::string_view value);
  void on_expect(std::string_view value);
  void on_transfer_encoding(std::string_view value);
  Slice kept(Known field) const { return kept_[static_cast<std::size_t>(field)]; }

  std::uint64_t content_length_ = 0;
  std::uint16_t pos_ = 0;   // the next byte to look at
  std::uint16_t mark_ = 0;  // where the current part began
  Phase phase_ = Phase::start;
  Reject reason_{};
  Method method_ = Method::other;
  Version version_ = Version::http_1_1;
  std::uint8_t fields_ = 0;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_chunked_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool expect_continue_ = false;
  bool has_preconditions_ = false;
  bool has_split_lists_ = false;
  bool has_target_host_ = false;    // host_ is the target's
  std::uint16_t target_port_ = 0;   // with has_target_host_, as the next one
  std::uint16_t default_port_ = 0;  // what a Host field without a port means
  Slice method_text_, target_, path_, query_, host_, name_;
  std::array<Slice, kept_fields> kept_{};
};
static_assert(sizeof(HeadParser) <= 96, "one for each connection that a router holds");

// The field at the front of `rest`, which then begins behind it; nullopt at the empty line.
std::optional<Field> next_field(std::string_view& rest);

// The bytes behind the request line of a head.
std::string_view after_request_line(std::string_view head);

// Calls fn(Field) for each field, in order, of a head that HeadParser found complete. `bytes` begin
// with the head; what follows its empty line is not looked at.
template <typename Fn>
void for_each_field(std::string_view bytes, Fn fn) {
  std::string_view rest = after_request_line(bytes);
  while (const auto field = next_field(rest)) fn(*field);
}

// The list that all fields of that name are together (RFC 9110, 5.3). `bytes`: as above.
std::string whole_list(std::string_view bytes, std::string_view name);

}  // namespace perchild::http1
