// How a site speaks TLS: from which version on, and with which ciphers. Whatever a site chooses has
// forward secrecy and authenticates what it encrypts: there is nothing else to choose from.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace perchild {

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

struct TlsCipher {
  std::string_view name;  // OpenSSL's
  TlsVersion version;
  bool rsa_keys;    // can be used with a certificate of such a key
  bool ecdsa_keys;  // likewise; Ed25519 is one of these (RFC 8422, 5.10)
};

// As in Mozilla's "intermediate", without its finite-field Diffie-Hellman; in the order that they
// have by themselves. AES-128 first, as browsers have it: 128 bits are enough, and SHA-256 is
// faster than SHA-384.
inline constexpr std::array<TlsCipher, 9> tls_ciphers = {{
    {"TLS_AES_128_GCM_SHA256", TlsVersion::tls_1_3, true, true},
    {"TLS_AES_256_GCM_SHA384", TlsVersion::tls_1_3, true, true},
    {"TLS_CHACHA20_POLY1305_SHA256", TlsVersion::tls_1_3, true, true},
    {"ECDHE-ECDSA-AES128-GCM-SHA256", TlsVersion::tls_1_2, false, true},
    {"ECDHE-RSA-AES128-GCM-SHA256", TlsVersion::tls_1_2, true, false},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", TlsVersion::tls_1_2, false, true},
    {"ECDHE-RSA-AES256-GCM-SHA384", TlsVersion::tls_1_2, true, false},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", TlsVersion::tls_1_2, false, true},
    {"ECDHE-RSA-CHACHA20-POLY1305", TlsVersion::tls_1_2, true, false},
}};

struct TlsSettings {
  TlsVersion least = TlsVersion::tls_1_2;
  // Indexes of tls_ciphers, the best first. A version of which none is named has all of its own.
  std::vector<std::uint8_t> ciphers;
  bool operator==(const TlsSettings&) const = default;
};

}  // namespace perchild
