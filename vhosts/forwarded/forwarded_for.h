// Where a request comes from, as the proxies that it came through say it in X-Forwarded-For and
// X-Forwarded-Proto. Each appends the address that it saw; so from the right on, each entry is as
// good as the proxy that made it, and all that stands left of an address that is no trusted proxy
// may be made up.
//
// "Forwarded" (RFC 7239) is not looked at: a proxy that writes one of the two passes the other on
// as the client sent it, and who believed both would believe the client.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "policy/address_block.h"

namespace perchild::forwarded {

// More than that are nobody's honest chain of proxies: the list is not followed any further.
inline constexpr int most_hops = 32;

bool is_trusted(std::span<const AddressBlock> trusted, const AddressBytes& address);

// The first address from the right that is no trusted proxy's, or the leftmost if all are. Nullopt
// if there is no address. `head` is a complete one, whose sender is a trusted proxy.
std::optional<AddressBytes> client_of(std::string_view head, std::span<const AddressBlock> trusted);

// An entry of the list: an address, IPv6 also in brackets, with a port or without.
std::optional<AddressBytes> parse_entry(std::string_view entry);

// Whether the client spoke TLS, as the proxy next to it says.
bool is_over_https(std::string_view head);

}  // namespace perchild::forwarded
