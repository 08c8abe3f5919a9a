// What ClientHelloParser makes of bytes, whole and in parts.
#pragma once

#include <string>
#include <string_view>

#include "vhosts/tls/client_hello.h"

namespace perchild::tls {

struct HelloOutcome {
  ClientHelloParser::State state{};
  std::string name;  // empty: none
  int alert = 0;
  std::string reason;
  friend bool operator==(const HelloOutcome&, const HelloOutcome&) = default;
};

// As the router reads: again, from the first byte on, whenever there is more. `next` says how many
// bytes there are at least the next time, given how many are there now and are needed.
template <typename Next>
HelloOutcome parse_growing(std::string_view bytes, std::size_t first, Next next) {
  ClientHelloParser parser;
  ClientHello hello;
  std::size_t length = first < bytes.size() ? first : bytes.size();
  for (;;) {
    const auto state = parser.parse(bytes.substr(0, length), hello);
    if (state != ClientHelloParser::State::incomplete || length == bytes.size()) {
      HelloOutcome outcome{state, {}, 0, {}};
      if (state == ClientHelloParser::State::complete && hello.server_name) {
        outcome.name = hello.server_name->view();
      }
      if (state == ClientHelloParser::State::rejected) {
        outcome.alert = static_cast<int>(parser.alert());
        outcome.reason = parser.reason();
      }
      return outcome;
    }
    const std::size_t more = next(length, parser.needed());
    length = more < bytes.size() ? more : bytes.size();
  }
}

inline HelloOutcome parse_whole(std::string_view bytes) {
  return parse_growing(bytes, bytes.size(), [](std::size_t length, std::size_t) { return length; });
}
inline HelloOutcome parse_by_byte(std::string_view bytes) {
  return parse_growing(bytes, 0, [](std::size_t length, std::size_t) { return length + 1; });
}
// Never before there is as much as the parser asked for.
inline HelloOutcome parse_when_needed(std::string_view bytes) {
  return parse_growing(bytes, 1, [](std::size_t, std::size_t needed) { return needed; });
}

}  // namespace perchild::tls
