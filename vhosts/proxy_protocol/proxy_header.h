// The header that a proxy puts in front of a connection to say whose it is: the PROXY protocol,
// versions 1 and 2 (haproxy.org/download/2.6/doc/proxy-protocol.txt). Strict, and a pure function
// of the bytes. Whether the sender may be believed is its caller's question.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace perchild::proxy_protocol {

// Of version 2, whose own limit is 64 KiB. What proxies send has to fit a segment of 536 bytes.
inline constexpr std::size_t max_header_bytes = 4096;

enum class Reject : std::uint8_t {
  no_signature,  // these bytes begin no header
  // version 1
  malformed_line,
  line_too_long,
  bad_address,
  bad_port,
  // version 2
  version_unknown,
  command_unknown,
  not_tcp,    // the proxy speaks of a datagram, or of a kind of address that does not exist
  too_short,  // for the addresses that it should hold
  too_long,
  malformed_extension,
};
std::string_view text_of(Reject reason);

struct Source {
  std::array<std::uint8_t, 16> address{};  // IPv6, or IPv4 mapped (::ffff:a.b.c.d)
  std::uint16_t port = 0;                  // host order
  bool operator==(const Source&) const = default;
};

struct Header {
  // Nullopt: the connection is the proxy's own (LOCAL), or the proxy cannot say whose (UNKNOWN,
  // AF_UNSPEC, AF_UNIX). The connection's own address counts then.
  std::optional<Source> source;
  bool over_tls = false;   // the client spoke TLS to the proxy (version 2, PP2_TYPE_SSL)
  std::size_t length = 0;  // bytes, all of which are to be taken out of the stream
};

struct Reading {
  enum class State : std::uint8_t { incomplete, complete, rejected };
  State state = State::incomplete;
  Reject reason{};           // with `rejected`
  Header header;             // with `complete`
  std::size_t at_least = 0;  // with `incomplete`: nothing more can be said before so many bytes
};

// Reads the header at the front of `bytes`. What can be told from a part of it is told at once, and
// does not change when more comes.
Reading read_header(std::string_view bytes);

// Whether a version's signature stands at the front, for a message that explains itself.
bool begins_like_header(std::string_view bytes);

}  // namespace perchild::proxy_protocol
