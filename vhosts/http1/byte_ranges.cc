#include "vhosts/http1/byte_ranges.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::http1 {
namespace {

constexpr std::string_view unit = "bytes=";
constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

// 1*DIGIT; what does not fit is the largest number, which no file reaches.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    number = number > (largest - digit) / 10 ? largest : number * 10 + digit;
  }
  return number;
}

struct Spec {
  bool valid = false;
  std::optional<ByteRange> part{};  // none if it is not satisfiable
};

// "500-999", "500-" or "-500" (RFC 9110, 14.1.1).
Spec parse_spec(std::string_view text, std::uint64_t size) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  if (dash == 0) {
    const auto suffix = parse_position(text.substr(1));
    if (!suffix) return {};
    if (*suffix == 0) return {.valid = true};
    return {.valid = true, .part = ByteRange{size - std::min(*suffix, size), size - 1}};
  }
  const auto first = parse_position(text.substr(0, dash));
  if (!first) return {};
  std::uint64_t last = size - 1;
  if (dash + 1 < text.size()) {
    const auto stated = parse_position(text.substr(dash + 1));
    if (!stated || *stated < *first) return {};
    last = std::min(last, *stated);
  }
  if (*first >= size) return {.valid = true};
  return {.valid = true, .part = ByteRange{*first, last}};
}

}  // namespace

ByteRanges::ByteRanges(std::string_view range, std::uint64_t size) {
  if (size == 0 || !equals_ignoring_case(range.substr(0, unit.size()), unit)) return;
  if (!parse(range.substr(unit.size()), size) || overlap_too_much()) {
    count_ = 0;
    return;
  }
  outcome_ = count_ == 0 ? Outcome::unsatisfiable : Outcome::partial;
}

// False if the field is to be ignored.
bool ByteRanges::parse(std::string_view set, std::uint64_t size) {
  std::size_t specs = 0;
  while (!set.empty()) {
    const std::size_t comma = set.find(',');
    const std::string_view text = trim_whitespace(set.substr(0, comma));
    set.remove_prefix(comma == std::string_view::npos ? set.size() : comma + 1);
    if (text.empty()) continue;  // RFC 9110, 5.6.1: empty list elements are ignored
    const Spec spec = parse_spec(text, size);
    if (!spec.valid || ++specs > max_ranges) return false;
    if (spec.part) parts_[count_++] = *spec.part;
  }
  return specs > 0;
}

bool ByteRanges::overlap_too_much() const {
  std::size_t overlapping = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = 0; j < count_; ++j) {
      if (i == j || parts_[i].last < parts_[j].first || parts_[j].last < parts_[i].first) continue;
      ++overlapping;
      break;
    }
  }
  return overlapping > 2;
}

}  // namespace perchild::http1
