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

// What a character of a label becomes; 0 where it may not be in one.
constexpr std::array<char, 256> make_label_table() {
  std::array<char, 256> table{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789-_")) {
    table[static_cast<unsigned char>(c)] = c;
  }
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = to_lower(c);
  return table;
}
constexpr auto label_table = make_label_table();

// Folds `name` into `folded`, which has room for it. False if it is none.
bool fold_dns_name(std::string_view name, char* folded) {
  auto at = name.begin();
  for (;;) {
    const auto label = at;
    for (; at != name.end(); ++at) {
      const char c = label_table[static_cast<unsigned char>(*at)];
      if (c == 0) break;
      *folded++ = c;
    }
    const auto length = static_cast<std::size_t>(at - label);
    if (length == 0 || length > max_label || *label == '-' || at[-1] == '-') return false;
    if (at == name.end()) return true;
    if (*at++ != '.') return false;
    *folded++ = '.';
  }
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

std::size_t HostName::fold(std::string_view text, std::array<char, max_length>& folded) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > max_length) return 0;
  if (text.front() != '[') return fold_dns_name(text, folded.data()) ? text.size() : 0;
  std::transform(text.begin(), text.end(), folded.begin(), to_lower);
  return is_bracketed_ipv6({folded.data(), text.size()}) ? text.size() : 0;
}

bool HostName::is_valid(std::string_view text) {
  std::array<char, max_length> folded;
  return fold(text, folded) != 0;
}

std::optional<HostName> HostName::parse(std::string_view text) {
  HostName host;
  host.length_ = static_cast<std::uint8_t>(fold(text, host.text_));
  if (host.length_ == 0) return std::nullopt;
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
