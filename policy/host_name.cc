#include "policy/host_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace perchild {
namespace {

constexpr std::size_t max_label = 63;  // RFC 1035, 2.3.4

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_dns_name(std::string_view name) {
  std::size_t label = 0;
  char previous = '.';
  for (char c : name) {
    if (c == '.') {
      if (label == 0 || previous == '-') return false;
      label = 0;
    } else {
      if (!is_label_char(c) || (label == 0 && c == '-') || ++label > max_label) return false;
    }
    previous = c;
  }
  return label != 0 && previous != '-';
}

bool is_bracketed_ipv6(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  char address[INET6_ADDRSTRLEN] = {};
  const std::string_view inner = text.substr(1, text.size() - 2);
  if (inner.size() >= sizeof address) return false;
  std::memcpy(address, inner.data(), inner.size());
  in6_addr parsed;
  return ::inet_pton(AF_INET6, address, &parsed) == 1;
}

}  // namespace

std::optional<HostName> HostName::parse(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > max_length) return std::nullopt;
  HostName host;
  std::transform(text.begin(), text.end(), host.text_.begin(), to_lower);
  host.length_ = static_cast<std::uint8_t>(text.size());
  const std::string_view name = host.view();
  if (name.front() == '[' ? !is_bracketed_ipv6(name) : !is_dns_name(name)) return std::nullopt;
  return host;
}

std::optional<HostPattern> HostPattern::parse(std::string_view text) {
  const bool wildcard = text.starts_with("*.");
  if (wildcard) text.remove_prefix(2);
  const auto name = HostName::parse(text);
  if (!name || (wildcard && name->view().front() == '[')) return std::nullopt;
  return HostPattern{*name, wildcard};
}

bool HostPattern::matches(const HostName& host) const {
  if (!wildcard) return host == name;
  const std::string_view whole = host.view();
  const std::string_view suffix = name.view();
  return whole.size() > suffix.size() + 1 && whole.ends_with(suffix) &&
         whole[whole.size() - suffix.size() - 1] == '.';
}

}  // namespace perchild
