// The authority of a request: `host [":" port]`, of the Host field, of an absolute-form target and
// of CONNECT (RFC 9110, 7.2; RFC 3986, 3.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace perchild::http1 {

// That no client names.
inline constexpr std::uint16_t http_port = 80;
inline constexpr std::uint16_t https_port = 443;

struct Authority {
  std::string_view host_text;         // not checked: HostName::parse does that
  std::optional<std::uint16_t> port;  // none if absent or empty ("host:")
};

// Splits host from port. nullopt for a port that is not 0 to 65535 in at most five digits.
std::optional<Authority> split_authority(std::string_view text);

}  // namespace perchild::http1
