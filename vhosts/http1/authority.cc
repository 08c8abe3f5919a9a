#include "vhosts/http1/authority.h"

#include "vhosts/http1/characters.h"

namespace perchild::http1 {
namespace {

constexpr std::size_t max_port_digits = 5;
constexpr std::uint32_t max_port = 65535;

// Where the host ends. Colons between brackets belong to an IPv6 address.
std::size_t host_length(std::string_view text) {
  const std::size_t from = text.starts_with('[') ? text.find(']') : 0;
  if (from == std::string_view::npos) return text.size();
  const std::size_t colon = text.find(':', from);
  return colon == std::string_view::npos ? text.size() : colon;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  if (digits.size() > max_port_digits) return std::nullopt;
  std::uint32_t port = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port > max_port) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

}  // namespace

std::optional<Authority> split_authority(std::string_view text) {
  const std::size_t length = host_length(text);
  std::optional<std::uint16_t> port;
  if (length + 1 < text.size()) {
    port = parse_port(text.substr(length + 1));
    if (!port) return std::nullopt;
  }
  return Authority{text.substr(0, length), port};
}

}  // namespace perchild::http1
