// The field lines of a program's answer, as they arrive: which byte may follow which. What the
// fields mean is for cgi_head.h and backend_head.h.
//
// Does not trust: the program. There is no folding, no control character, no blank before a colon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "vhosts/gateway/head_reject.h"
#include "vhosts/http1/request_head.h"

namespace perchild::gateway {

inline constexpr std::size_t max_answer_head_bytes = 64 * 1024;  // a status line included
inline constexpr std::size_t max_answer_fields = 128;

// Part of a head, as offsets, so that the buffer may move.
struct HeadSlice {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::string_view of(std::string_view head) const { return head.substr(offset, length); }
};

class FieldScanner {
 public:
  enum class LineEnds : std::uint8_t { crlf, any };  // any: CRLF or LF, line by line
  enum class State : std::uint8_t {
    incomplete,  // more bytes are needed
    field,       // see name() and value(); call again
    end,         // the empty line has been read; see position()
    rejected,    // see reason()
  };

  explicit FieldScanner(LineEnds line_ends) : line_ends_(line_ends) {}

  // The field lines begin here. Only before the first call of next().
  void begin_at(std::size_t position) { pos_ = mark_ = static_cast<std::uint32_t>(position); }

  // `head`: all bytes from the head's first one on. It goes on where it stopped.
  State next(std::string_view head);

  HeadSlice name() const { return name_; }
  HeadSlice value() const { return value_; }  // without surrounding whitespace
  std::size_t position() const { return pos_; }
  std::size_t fields() const { return fields_; }
  HeadReject reason() const { return reason_; }

 private:
  // What the next byte belongs to.
  enum class Phase : std::uint8_t { line, name, value, line_feed, last_line_feed, end, rejected };

  State scan(std::string_view head);
  void scan_line(char c);
  void scan_name(std::string_view head);
  bool scan_value(std::string_view head);
  void finish_field(std::string_view head, std::size_t end);
  void reject(HeadReject reason);
  bool is_bare_line_end(char c) const { return c == '\n' && line_ends_ == LineEnds::any; }

  std::uint32_t pos_ = 0;   // the next byte to look at
  std::uint32_t mark_ = 0;  // where the current part began
  HeadSlice name_, value_;
  std::uint8_t fields_ = 0;
  LineEnds line_ends_;
  Phase phase_ = Phase::line;
  HeadReject reason_{};
};
static_assert(max_answer_fields <= UINT8_MAX);

// The field at the front of `rest`, which are lines that a FieldScanner found good; `rest` then
// begins behind it. Nullopt at the empty line.
std::optional<http1::Field> next_answer_field(std::string_view& rest);

// Whether a field is about the connection that it came by, and so never passed on (RFC 9110,
// 7.6.1): Connection, Keep-Alive, TE, Trailer, Transfer-Encoding, Upgrade, and all that begin with
// "Proxy-".
bool is_hop_by_hop(std::string_view name);

// 1*DIGIT that fits an off_t (RFC 9110, 8.6).
std::optional<std::uint64_t> parse_content_length(std::string_view digits);

}  // namespace perchild::gateway
