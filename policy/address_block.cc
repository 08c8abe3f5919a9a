#include "policy/address_block.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace perchild {
namespace {

constexpr unsigned all_bits = 128;
constexpr unsigned mapped_bits = 96;  // of ::ffff:0:0/96

struct Address {
  AddressBytes bytes{};
  bool is_ipv4 = false;
};

std::optional<Address> parse_address(std::string_view text) {
  const std::string copy(text);  // inet_pton wants a NUL at the end, and must not find one before
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  Address address;
  if (::inet_pton(AF_INET, copy.c_str(), &address.bytes[12]) == 1) {
    address.bytes[10] = address.bytes[11] = 0xff;
    address.is_ipv4 = true;
    return address;
  }
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<unsigned> parse_length(std::string_view text, unsigned most) {
  unsigned length = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, length);
  if (text.empty() || error != std::errc{} || stop != end || length > most) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return length;
}

}  // namespace

bool AddressBlock::contains(const AddressBytes& address) const {
  return masked(address, length) == network;
}

std::optional<AddressBlock> AddressBlock::parse(std::string_view text) {
  if (text == "all") return AddressBlock{};
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned length = all_bits;
  if (slash != std::string_view::npos) {
    const unsigned before = address->is_ipv4 ? mapped_bits : 0;
    const auto written = parse_length(text.substr(slash + 1), all_bits - before);
    if (!written) return std::nullopt;
    length = before + *written;
  }
  AddressBlock block{address->bytes, static_cast<std::uint8_t>(length)};
  if (masked(block.network, length) != block.network) return std::nullopt;
  return block;
}

AddressBytes masked(const AddressBytes& address, unsigned length) {
  AddressBytes result{};
  const unsigned whole = length / 8;
  std::copy_n(address.begin(), whole, result.begin());
  if (length % 8 != 0) {
    result[whole] = static_cast<std::uint8_t>(address[whole] & (0xff00U >> (length % 8)));
  }
  return result;
}

bool is_mapped_ipv4(const AddressBytes& address) {
  return std::all_of(address.begin(), address.begin() + 10, [](auto b) { return b == 0; }) &&
         address[10] == 0xff && address[11] == 0xff;
}

AddressBytes visitor_of(const AddressBytes& address) {
  return is_mapped_ipv4(address) ? address : masked(address, 64);
}

}  // namespace perchild
