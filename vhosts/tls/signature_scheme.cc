#include "vhosts/tls/signature_scheme.h"

#include <array>

namespace perchild::tls {
namespace {

constexpr SignatureScheme schemes[] = {
    {0x0401, KeyKind::rsa, Padding::pkcs1, "SHA2-256"},
    {0x0501, KeyKind::rsa, Padding::pkcs1, "SHA2-384"},
    {0x0601, KeyKind::rsa, Padding::pkcs1, "SHA2-512"},
    {0x0804, KeyKind::rsa, Padding::pss, "SHA2-256"},
    {0x0805, KeyKind::rsa, Padding::pss, "SHA2-384"},
    {0x0806, KeyKind::rsa, Padding::pss, "SHA2-512"},
    {0x0403, KeyKind::ecdsa, Padding::none, "SHA2-256"},
    {0x0503, KeyKind::ecdsa, Padding::none, "SHA2-384"},
    {0x0603, KeyKind::ecdsa, Padding::none, "SHA2-512"},
    {0x0807, KeyKind::ed25519, Padding::none, ""},
};

constexpr std::string_view server_context = "TLS 1.3, server CertificateVerify";
constexpr std::size_t padding_size = 64;

// The end is the hash of the transcript, as long as that of the cipher suite.
bool is_tls_1_3_content(std::string_view content) {
  const std::size_t before = padding_size + server_context.size() + 1;
  if (content.size() != before + 32 && content.size() != before + 48) return false;
  return content.substr(0, padding_size).find_first_not_of(' ') == std::string_view::npos &&
         content.substr(padding_size, server_context.size()) == server_context &&
         content[before - 1] == '\0';
}

// Both randoms, then ServerECDHParams.
bool is_tls_1_2_content(std::string_view content) {
  constexpr std::size_t randoms = 64;
  constexpr std::size_t header = 4;
  constexpr char named_curve = 3;
  if (content.size() <= randoms + header || content[randoms] != named_curve) return false;
  const auto point = static_cast<unsigned char>(content[randoms + 3]);
  return content.size() == randoms + header + point;
}

}  // namespace

const SignatureScheme* find_scheme(std::uint16_t code) {
  for (const SignatureScheme& scheme : schemes) {
    if (scheme.code == code) return &scheme;
  }
  return nullptr;
}

const SignatureScheme* find_scheme(KeyKind kind, Padding padding, std::string_view digest) {
  for (const SignatureScheme& scheme : schemes) {
    if (scheme.kind == kind && scheme.padding == padding && scheme.digest == digest) {
      return &scheme;
    }
  }
  return nullptr;
}

bool is_handshake_content(std::string_view content) {
  return is_tls_1_3_content(content) || is_tls_1_2_content(content);
}

}  // namespace perchild::tls
