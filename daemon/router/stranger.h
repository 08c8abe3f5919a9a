// A client connection that has not reached a worker yet.
//
// Runs in: router.
// Does not trust: the client. Its bytes are peeked at, never consumed. What a listed proxy puts in
// front of them is.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "daemon/router/tokens.h"
#include "policy/ids.h"
#include "privsep/unique_fd.h"
#include "vhosts/deadline_list.h"
#include "vhosts/http1/request_head.h"
#include "vhosts/logs/client_address.h"
#include "vhosts/tls/client_hello.h"

namespace perchild {

using Address = std::array<std::uint8_t, 16>;  // IPv6, or IPv4 mapped

struct Stranger {
  enum class State : std::uint8_t {
    unused,   // in the pool
    peeking,  // no name yet
    waiting,  // has a site, which has no credit yet
    refused,  // has been answered; its last bytes are on their way
  };

  explicit Stranger(std::uint32_t number) : index(number), deadline(*this) {}

  const std::uint32_t index;     // its place in the pool
  std::uint32_t generation = 0;  // how often the place has been taken
  State state = State::unused;
  bool watched = false;    // known to epoll
  bool encrypted = false;  // speaks TLS
  bool by_default = false;
  bool header_due = false;    // a PROXY header comes first
  bool over_tls = false;      // to the proxy
  bool http2 = false;         // speaks it, without TLS
  bool counted = false;       // among its address's connections
  bool head_request = false;  // for a refusal: HEAD takes no body
  std::uint16_t listener = 0;
  std::uint16_t port = 0;
  std::uint32_t peeked = 0;  // bytes that the parser has seen
  UniqueFd fd;
  Address address{};
  SiteId site{};
  Stranger* next_waiting = nullptr;
  http1::HeadParser parser;
  tls::ClientHelloParser hello_parser;  // if `encrypted`
  DeadlineLink<Stranger> deadline;
};

// For log lines.
inline std::string text_of(const Address& address) {
  return std::string(logs::ClientAddress::of(address, 0).host());
}

inline std::uint64_t token_of(const Stranger& stranger) {
  return Token(TokenKind::stranger, stranger.index, stranger.generation).bits();
}

}  // namespace perchild
