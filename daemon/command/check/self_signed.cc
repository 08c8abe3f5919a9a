#include <openssl/rand.h>

#include "daemon/command/check/certificates.h"
#include "daemon/command/check/openssl_pointers.h"
#include "privsep/result.h"

namespace perchild {
namespace {

constexpr long valid_seconds = 90L * 24 * 60 * 60;

std::string names_text(const std::vector<HostPattern>& hosts) {
  std::string text;
  for (const HostPattern& host : hosts) {
    const std::string_view name = host.name.view();
    if (name.front() == '[') continue;  // an address is no DNS name
    if (!text.empty()) text += ",";
    text.append("DNS:").append(host.wildcard ? "*." : "").append(name);
  }
  return text;
}

bool add_extension(::X509* certificate, int kind, const std::string& value) {
  ::X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(::X509V3_EXT_nconf_nid(nullptr, &context, kind, value.c_str()));
  return extension != nullptr && ::X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(::X509* certificate) {
  std::uint64_t serial = 0;
  return ::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1 &&
         ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(certificate), serial >> 1 | 1) == 1;
}

bool fill_in(::X509* certificate, ::EVP_PKEY* key, const std::vector<HostPattern>& hosts) {
  ::X509_NAME* subject = ::X509_get_subject_name(certificate);
  const auto* common_name = reinterpret_cast<const unsigned char*>("perchild, self-signed");
  const std::string names = names_text(hosts);
  return ::X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         ::X509_gmtime_adj(::X509_getm_notBefore(certificate), 0) != nullptr &&
         ::X509_gmtime_adj(::X509_getm_notAfter(certificate), valid_seconds) != nullptr &&
         ::X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, common_name, -1, -1,
                                      0) == 1 &&
         ::X509_set_issuer_name(certificate, subject) == 1 &&
         ::X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         (names.empty() || add_extension(certificate, NID_subject_alt_name, names)) &&
         ::X509_sign(certificate, key, ::EVP_sha256()) > 0;
}

std::string der_of(::X509* certificate) {
  std::string der(static_cast<std::size_t>(::i2d_X509(certificate, nullptr)), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  ::i2d_X509(certificate, &at);
  return der;
}

std::string der_of(::EVP_PKEY* key) {
  const Pkcs8Ptr packed(::EVP_PKEY2PKCS8(key));
  std::string der(static_cast<std::size_t>(::i2d_PKCS8_PRIV_KEY_INFO(packed.get(), nullptr)), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  ::i2d_PKCS8_PRIV_KEY_INFO(packed.get(), &at);
  return der;
}

}  // namespace

Certificate make_self_signed_certificate(const std::vector<HostPattern>& hosts) {
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  const KeyPtr key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const X509Ptr certificate(::X509_new());
  // Nothing here depends on anything but memory and randomness.
  PERCHILD_ASSERT(key != nullptr && certificate != nullptr &&
                  fill_in(certificate.get(), key.get(), hosts));
  return {.chain = {der_of(certificate.get())}, .key = der_of(key.get())};
}

}  // namespace perchild
