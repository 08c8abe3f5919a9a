// How a handshake may be signed: the schemes of RFC 8446, 4.2.3, that servers of today use, and the
// shapes of what they sign. Known to the worker, which asks for signatures, and to the keeper,
// which makes no others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace perchild::tls {

enum class KeyKind : std::uint8_t { rsa, ecdsa, ed25519 };
enum class Padding : std::uint8_t { none, pkcs1, pss };

struct SignatureScheme {
  std::uint16_t code;  // IANA's
  KeyKind kind;
  Padding padding;
  std::string_view digest;  // as OpenSSL names it; empty where the kind has its own
};

// Nullptr if there is none.
const SignatureScheme* find_scheme(std::uint16_t code);
const SignatureScheme* find_scheme(KeyKind kind, Padding padding, std::string_view digest);

// Whether `content` is what a server signs in a handshake: of TLS 1.3 (RFC 8446, 4.4.3), or of TLS
// 1.2 with an ephemeral key on a named curve (RFC 8422, 5.4). A key that signs nothing else is of
// no use outside of handshakes to whoever may ask for signatures.
bool is_handshake_content(std::string_view content);

}  // namespace perchild::tls
