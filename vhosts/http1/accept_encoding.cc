#include "vhosts/http1/accept_encoding.h"

#include <optional>

#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::http1 {
namespace {

constexpr std::uint16_t best = 1000;

// RFC 9110, 12.4.2: "0.875" is 875; at most three decimals, and none but zeros behind a 1.
std::optional<std::uint16_t> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned quality = text[0] == '1' ? best : 0;
  unsigned place = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!is_digit(c)) return std::nullopt;
    quality += place * static_cast<unsigned>(c - '0');
    place /= 10;
  }
  if (quality > best) return std::nullopt;
  return static_cast<std::uint16_t>(quality);
}

// What is behind the name: nothing, or `;q=` and a quality.
std::optional<std::uint16_t> parse_weight(std::string_view parameters) {
  if (parameters.empty()) return best;
  parameters = trim_whitespace(parameters.substr(1));
  if (parameters.size() < 2 || to_lower(parameters[0]) != 'q' || parameters[1] != '=') {
    return std::nullopt;
  }
  return parse_quality(parameters.substr(2));
}

}  // namespace

AcceptedCodings accepted_codings(std::string_view rest) {
  AcceptedCodings accepted;
  std::array<bool, coding_count> named{};
  bool identity_named = false;
  std::optional<std::uint16_t> others;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view element = trim_whitespace(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const std::size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view name = trim_whitespace(element.substr(0, semicolon));
    const auto quality = parse_weight(element.substr(semicolon));
    if (!quality) continue;
    if (name == "*") {
      others = quality;
    } else if (equals_ignoring_case(name, "identity")) {
      accepted.identity = *quality;
      identity_named = true;
    } else {
      for (std::size_t i = 0; i < coding_count; ++i) {
        // RFC 9110, 8.4.1.3: "x-gzip" is an old name of gzip.
        const bool is_gzip = i == index_of(ContentCoding::gzip);
        if (!equals_ignoring_case(name, coding_names[i]) &&
            !(is_gzip && equals_ignoring_case(name, "x-gzip"))) {
          continue;
        }
        accepted.quality[i] = *quality;
        named[i] = true;
      }
    }
  }
  if (!others) return accepted;
  for (std::size_t i = 0; i < coding_count; ++i) {
    if (!named[i]) accepted.quality[i] = *others;
  }
  if (!identity_named) accepted.identity = *others;
  return accepted;
}

}  // namespace perchild::http1
