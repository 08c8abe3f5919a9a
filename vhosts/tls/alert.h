// TLS alerts that we send ourselves (RFC 8446, 6).
#pragma once

#include <array>
#include <cstdint>

namespace perchild::tls {

enum class Alert : std::uint8_t {
  unexpected_message = 10,
  record_overflow = 22,
  illegal_parameter = 47,
  decode_error = 50,
  protocol_version = 70,
  internal_error = 80,
  missing_extension = 109,
  unrecognized_name = 112,
};

// A whole record with a fatal alert, in plaintext, as it may stand in place of a ServerHello.
constexpr std::array<char, 7> fatal_alert(Alert alert) {
  return {21, 3, 3, 0, 2, 2, static_cast<char>(alert)};
}

}  // namespace perchild::tls
