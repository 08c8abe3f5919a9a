// Blocks of addresses as configurations write them: "192.0.2.7", "10.0.0.0/8", "2001:db8::/32",
// "all".
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace perchild {

// An IPv6 address in network order, or an IPv4 one mapped (::ffff:a.b.c.d).
using AddressBytes = std::array<std::uint8_t, 16>;

struct AddressBlock {
  static constexpr std::uint8_t longest = 128;  // bits: a single address

  AddressBytes network{};   // its bits behind `length` are 0
  std::uint8_t length = 0;  // 0 to 128; of an IPv4 block 96 more than is written

  bool contains(const AddressBytes& address) const;
  auto operator<=>(const AddressBlock&) const = default;

  // Nullopt also for an address that has bits behind the prefix: it is not clear what was meant.
  static std::optional<AddressBlock> parse(std::string_view text);
};

// `address` with its bits behind `length` cleared.
AddressBytes masked(const AddressBytes& address, unsigned length);

bool is_mapped_ipv4(const AddressBytes& address);

// What one visitor can be held to: an IPv4 address, or the /64 that an IPv6 one lies in.
AddressBytes visitor_of(const AddressBytes& address);

}  // namespace perchild
