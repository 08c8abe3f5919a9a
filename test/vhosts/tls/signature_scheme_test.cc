#include "vhosts/tls/signature_scheme.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::tls::signature_scheme_test {
namespace {

const std::string tls_1_3 =
    std::string(64, ' ') + "TLS 1.3, server CertificateVerify" + std::string(1, '\0');

std::string tls_1_2(std::size_t point, std::size_t said) {
  return std::string(64, 'r') + '\3' + std::string("\0\x1d", 2) + static_cast<char>(said) +
         std::string(point, 'p');
}

TEST(SignatureSchemes, AreFoundByCodeAndByMeaning) {
  for (const std::uint16_t code : std::initializer_list<std::uint16_t>{
           0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806, 0x0403, 0x0503, 0x0603, 0x0807}) {
    const SignatureScheme* scheme = find_scheme(code);
    ASSERT_NE(scheme, nullptr);
    EXPECT_EQ(find_scheme(scheme->kind, scheme->padding, scheme->digest), scheme);
  }
}

TEST(SignatureSchemes, ThatAreTooOldAreNone) {
  for (const std::uint16_t code :
       std::initializer_list<std::uint16_t>{0x0101, 0x0201, 0x0203, 0x0301, 0, 0xffff}) {
    EXPECT_EQ(find_scheme(code), nullptr) << code;
  }
  EXPECT_EQ(find_scheme(KeyKind::rsa, Padding::pkcs1, "SHA1"), nullptr);
  EXPECT_EQ(find_scheme(KeyKind::rsa, Padding::none, "SHA2-256"), nullptr);
}

TEST(HandshakeContent, IsWhatAServerSigns) {
  EXPECT_TRUE(is_handshake_content(tls_1_3 + std::string(32, 'h')));
  EXPECT_TRUE(is_handshake_content(tls_1_3 + std::string(48, 'h')));
  EXPECT_TRUE(is_handshake_content(tls_1_2(32, 32)));
  EXPECT_TRUE(is_handshake_content(tls_1_2(97, 97)));
}

TEST(HandshakeContent, IsNothingElse) {
  std::string client = tls_1_3 + std::string(32, 'h');
  client.replace(client.find("server"), 6, "client");
  std::string shifted = tls_1_3 + std::string(32, 'h');
  shifted[63] = '\t';
  for (const std::string& content :
       {std::string(), std::string("a document"), tls_1_3, tls_1_3 + std::string(31, 'h'),
        tls_1_3 + std::string(33, 'h'), tls_1_3 + std::string(64, 'h'), client, shifted,
        tls_1_2(32, 33), tls_1_2(0, 0), std::string(32, 'd'), std::string(100, '\0')}) {
    EXPECT_FALSE(is_handshake_content(content)) << content.size();
  }
}

}  // namespace
}  // namespace perchild::tls::signature_scheme_test
