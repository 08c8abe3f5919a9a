#include "vhosts/proxy_protocol/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace perchild::proxy_protocol {
namespace {

// Each is told apart from the other by its first byte, and from any request by its second.
constexpr std::string_view signature_1 = "PROXY ";
constexpr std::string_view signature_2("\r\n\r\n\0\r\nQUIT\n", 12);

bool agrees(std::string_view bytes, std::string_view signature) {
  return bytes.substr(0, signature.size()) == signature.substr(0, bytes.size());
}

Reading rejected(Reject reason) {
  Reading reading;
  reading.state = Reading::State::rejected;
  reading.reason = reason;
  return reading;
}

Reading incomplete(std::size_t at_least) {
  Reading reading;
  reading.at_least = at_least;
  return reading;
}

Reading complete(const Header& header) {
  Reading reading;
  reading.state = Reading::State::complete;
  reading.header = header;
  return reading;
}

// ---- version 1: one line,
//   PROXY TCP4 192.0.2.7 198.51.100.1 51234 80 CR LF

constexpr std::size_t longest_text = 105;  // 107 with its CRLF

using AddressBytes = std::array<std::uint8_t, 16>;

AddressBytes mapped(const void* ipv4) {
  AddressBytes address{};
  address[10] = address[11] = 0xff;
  std::memcpy(&address[12], ipv4, sizeof(::in_addr));
  return address;
}

std::optional<AddressBytes> parse_address(std::string_view text, int family) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  AddressBytes bytes{};
  // Takes neither leading zeros in a dotted quad nor one of less than four numbers.
  if (::inet_pton(family, copy, bytes.data()) != 1) return std::nullopt;
  return family == AF_INET ? mapped(bytes.data()) : bytes;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc{} || stop != end || leading_zero) return std::nullopt;
  return port;
}

// Cuts off what stands in front of the first space, which goes too. Without one, `rest` ends.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

// `line`: what stands between the signature and the CRLF.
Reading read_words(std::string_view line) {
  Header header;
  header.length = signature_1.size() + line.size() + 2;
  // What follows UNKNOWN is to be ignored, whatever it is.
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return complete(header);
  if (std::count(line.begin(), line.end(), ' ') != 4) return rejected(Reject::malformed_line);
  const std::string_view family_name = take_word(line);
  const bool ipv4 = family_name == "TCP4";
  if (!ipv4 && family_name != "TCP6") return rejected(Reject::malformed_line);
  const int family = ipv4 ? AF_INET : AF_INET6;
  const auto source = parse_address(take_word(line), family);
  if (!source || !parse_address(take_word(line), family)) return rejected(Reject::bad_address);
  const auto port = parse_port(take_word(line));
  if (!port || !parse_port(line)) return rejected(Reject::bad_port);
  header.source = Source{*source, *port};
  return complete(header);
}

Reading read_line(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, longest_text + 1);
  const auto is_text = [](char c) { return c >= ' ' && c <= '~'; };
  const auto stop = std::find_if_not(window.begin(), window.end(), is_text);
  const auto length = static_cast<std::size_t>(stop - window.begin());
  if (stop != window.end() && *stop != '\r') return rejected(Reject::malformed_line);
  if (length > longest_text) return rejected(Reject::line_too_long);
  if (length + 1 >= bytes.size()) return incomplete(bytes.size() + 1);
  if (bytes[length + 1] != '\n') return rejected(Reject::malformed_line);
  return read_words(window.substr(signature_1.size(), length - signature_1.size()));
}

// ---- version 2: the signature, version and command, family and transport, a length in network
// order; then so many bytes of addresses, ports and extensions.

constexpr std::size_t command_at = 12;
constexpr std::size_t family_at = 13;
constexpr std::size_t length_at = 14;
constexpr std::size_t fixed_bytes = 16;

constexpr std::uint8_t command_local = 0x20;  // with version 2 in the upper half
constexpr std::uint8_t command_proxy = 0x21;

constexpr std::uint8_t unspecified = 0x00;
constexpr std::uint8_t tcp_over_ipv4 = 0x11;
constexpr std::uint8_t tcp_over_ipv6 = 0x21;
constexpr std::uint8_t unix_stream = 0x31;

constexpr std::size_t extension_head = 3;  // a type and a length
constexpr std::uint8_t extension_tls = 0x20;
constexpr std::size_t least_of_tls = 5;
constexpr std::uint8_t client_used_tls = 0x01;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// Both addresses and both ports, or two paths.
std::size_t bytes_of_addresses(std::uint8_t family) {
  switch (family) {
    case tcp_over_ipv4:
      return 2 * sizeof(::in_addr) + 4;
    case tcp_over_ipv6:
      return 2 * sizeof(::in6_addr) + 4;
    case unix_stream:
      return 216;
    default:
      return 0;
  }
}

std::optional<Source> source_of(std::uint8_t family, std::string_view addresses) {
  Source source;
  if (family == tcp_over_ipv4) {
    source.address = mapped(addresses.data());
    source.port = number_at(addresses, 2 * sizeof(::in_addr));
  } else if (family == tcp_over_ipv6) {
    std::memcpy(source.address.data(), addresses.data(), source.address.size());
    source.port = number_at(addresses, 2 * sizeof(::in6_addr));
  } else {
    return std::nullopt;
  }
  return source;
}

// False if they do not fill `rest` exactly.
bool read_extensions(std::string_view rest, Header& header) {
  while (!rest.empty()) {
    if (rest.size() < extension_head) return false;
    const std::uint8_t type = byte_at(rest, 0);
    const std::size_t length = number_at(rest, 1);
    rest.remove_prefix(extension_head);
    if (length > rest.size() || (type == extension_tls && length < least_of_tls)) return false;
    if (type == extension_tls) header.over_tls = (byte_at(rest, 0) & client_used_tls) != 0;
    rest.remove_prefix(length);
  }
  return true;
}

Reading read_binary(std::string_view bytes) {
  if (bytes.size() <= command_at) return incomplete(command_at + 1);
  const std::uint8_t command = byte_at(bytes, command_at);
  if (command >> 4 != 2) return rejected(Reject::version_unknown);
  if (command != command_local && command != command_proxy) {
    return rejected(Reject::command_unknown);
  }
  if (bytes.size() <= family_at) return incomplete(family_at + 1);
  const std::uint8_t family = byte_at(bytes, family_at);
  const std::size_t needed = bytes_of_addresses(family);
  if (command == command_proxy && needed == 0 && family != unspecified) {
    return rejected(Reject::not_tcp);
  }
  if (bytes.size() < fixed_bytes) return incomplete(fixed_bytes);
  const std::size_t length = number_at(bytes, length_at);
  Header header;
  header.length = fixed_bytes + length;
  if (header.length > max_header_bytes) return rejected(Reject::too_long);
  if (command == command_proxy && length < needed) return rejected(Reject::too_short);
  if (bytes.size() < header.length) return incomplete(header.length);
  // Of these nothing but the length means anything.
  if (command == command_local || family == unspecified) return complete(header);
  const std::string_view block = bytes.substr(fixed_bytes, length);
  header.source = source_of(family, block);
  if (!read_extensions(block.substr(needed), header)) {
    return rejected(Reject::malformed_extension);
  }
  return complete(header);
}

}  // namespace

std::string_view text_of(Reject reason) {
  switch (reason) {
    case Reject::no_signature:
      return "there is no PROXY header";
    case Reject::malformed_line:
      return "the PROXY header's line is malformed";
    case Reject::line_too_long:
      return "the PROXY header's line is too long";
    case Reject::bad_address:
      return "an address in the PROXY header is malformed";
    case Reject::bad_port:
      return "a port in the PROXY header is malformed";
    case Reject::version_unknown:
      return "the PROXY header is of an unknown version";
    case Reject::command_unknown:
      return "the PROXY header has an unknown command";
    case Reject::not_tcp:
      return "the PROXY header is not about a TCP connection";
    case Reject::too_short:
      return "the PROXY header is too short for its addresses";
    case Reject::too_long:
      return "the PROXY header is too long";
    case Reject::malformed_extension:
      return "the PROXY header's extensions do not fit into it";
  }
  return "";
}

bool begins_like_header(std::string_view bytes) {
  return bytes.starts_with(signature_1) || bytes.starts_with(signature_2);
}

Reading read_header(std::string_view bytes) {
  if (bytes.starts_with(signature_1)) return read_line(bytes);
  if (bytes.starts_with(signature_2)) return read_binary(bytes);
  const bool may_become_one = agrees(bytes, signature_1) || agrees(bytes, signature_2);
  return may_become_one ? incomplete(bytes.size() + 1) : rejected(Reject::no_signature);
}

}  // namespace perchild::proxy_protocol
