#include "vhosts/gateway/field_scanner.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "vhosts/http1/characters.h"

namespace perchild::gateway {

FieldScanner::State FieldScanner::next(std::string_view head) {
  // The same bytes must be called too large however they arrive: nothing behind the limit counts.
  const std::string_view window = head.substr(0, max_answer_head_bytes);
  if (window.size() < pos_) std::abort();  // fewer bytes than the last time: our caller's bug
  const State state = scan(window);
  if (state == State::incomplete && window.size() == max_answer_head_bytes) {
    reject(HeadReject::head_too_large);
    return State::rejected;
  }
  return state;
}

FieldScanner::State FieldScanner::scan(std::string_view head) {
  while (phase_ < Phase::end && pos_ < head.size()) {
    const char c = head[pos_];
    switch (phase_) {
      case Phase::line:
        scan_line(c);
        break;
      case Phase::name:
        scan_name(head);
        break;
      case Phase::value:
        if (scan_value(head)) return State::field;
        break;
      case Phase::line_feed:
        if (c != '\n') {
          reject(HeadReject::bad_line_end);
          break;
        }
        finish_field(head, pos_ - 1u);
        return State::field;
      default:
        if (c != '\n') {
          reject(HeadReject::bad_line_end);
          break;
        }
        ++pos_;
        phase_ = Phase::end;
    }
  }
  if (phase_ == Phase::end) return State::end;
  return phase_ == Phase::rejected ? State::rejected : State::incomplete;
}

void FieldScanner::scan_line(char c) {
  if (c == '\r') {
    ++pos_;
    phase_ = Phase::last_line_feed;
    return;
  }
  if (is_bare_line_end(c)) {
    ++pos_;
    phase_ = Phase::end;
    return;
  }
  if (c == '\n') return reject(HeadReject::bad_line_end);
  if (http1::is_whitespace(c)) return reject(HeadReject::folded_field);
  if (fields_ == max_answer_fields) return reject(HeadReject::too_many_fields);
  ++fields_;
  mark_ = pos_;
  phase_ = Phase::name;
}

void FieldScanner::scan_name(std::string_view head) {
  const std::size_t end = http1::skip_chars(head, pos_, http1::token_char);
  pos_ = static_cast<std::uint32_t>(end);
  if (end == head.size()) return;
  if (head[end] != ':' || end == mark_) return reject(HeadReject::bad_field_name);
  name_ = {mark_, pos_ - mark_};
  mark_ = ++pos_;
  phase_ = Phase::value;
}

// True at the end of a field.
bool FieldScanner::scan_value(std::string_view head) {
  std::size_t end = http1::find_control(head, pos_);
  while (end < head.size() && head[end] == '\t') end = http1::find_control(head, end + 1);
  pos_ = static_cast<std::uint32_t>(end);
  if (end == head.size()) return false;
  const char c = head[end];
  if (is_bare_line_end(c)) {
    finish_field(head, end);
    return true;
  }
  if (c == '\r') {
    ++pos_;
    phase_ = Phase::line_feed;
    return false;
  }
  reject(c == '\n' ? HeadReject::bad_line_end : HeadReject::bad_field_value);
  return false;
}

void FieldScanner::finish_field(std::string_view head, std::size_t end) {
  const std::string_view value = http1::trim_whitespace(head.substr(mark_, end - mark_));
  value_ = {static_cast<std::uint32_t>(value.data() - head.data()),
            static_cast<std::uint32_t>(value.size())};
  ++pos_;
  phase_ = Phase::line;
}

void FieldScanner::reject(HeadReject reason) {
  phase_ = Phase::rejected;
  reason_ = reason;
}

std::optional<http1::Field> next_answer_field(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return http1::Field{line.substr(0, colon), http1::trim_whitespace(line.substr(colon + 1))};
}

bool is_hop_by_hop(std::string_view name) {
  constexpr std::string_view proxy = "proxy-";
  if (http1::equals_ignoring_case(name.substr(0, proxy.size()), proxy)) return true;
  constexpr std::array<std::string_view, 6> names{"connection", "keep-alive",        "te",
                                                  "trailer",    "transfer-encoding", "upgrade"};
  return std::any_of(names.begin(), names.end(), [name](std::string_view known) {
    return http1::equals_ignoring_case(name, known);
  });
}

std::optional<std::uint64_t> parse_content_length(std::string_view digits) {
  constexpr std::uint64_t limit = std::numeric_limits<std::int64_t>::max();
  if (digits.empty()) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : digits) {
    if (!http1::is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (limit - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

}  // namespace perchild::gateway
